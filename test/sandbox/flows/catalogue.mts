/** The flows of a workspace: what they take and what their runs do. */
import { png } from '../apps/media.mts';
import type { JobFiles, JsonSchema } from '../types.mts';
import { isRecord } from '../util/values.mts';

/** How a run of a flow goes on. */
export interface FlowJob {
	readonly input: Readonly<Record<string, unknown>>;
	readonly files: JobFiles;
	/** Runs later, unless the run ends first. */
	after(ms: number, then: () => void): void;
	node(id: string, state: NodeState): void;
	finish(output: unknown): void;
	fail(error: string): void;
}

export type NodeState =
	| 'pending'
	| 'ready'
	| 'running'
	| 'completed'
	| 'failed'
	| 'cancelled'
	| 'skipped'
	| 'blocked';

export interface SandboxFlow {
	readonly name: string;
	readonly title: string;
	readonly description: string;
	readonly input: JsonSchema;
	readonly output: JsonSchema;
	readonly nodes: readonly string[];
	/** Without it a run goes on until a test ends it. */
	readonly run?: (job: FlowJob) => void;
}

const object = (properties: JsonSchema, required: readonly string[] = []): JsonSchema => ({
	type: 'object',
	properties,
	required,
});
const text: JsonSchema = { type: 'string' };
/** How flows write a file, unlike apps. */
const file: JsonSchema = { type: 'object', format: 'file' };

export const sandboxFlows: readonly SandboxFlow[] = [
	{
		name: 'greet',
		title: 'Greet',
		description: 'Greets somebody in words',
		input: object({ name: { ...text, title: 'Name' }, loud: { type: 'boolean' } }, ['name']),
		output: object({ text }),
		nodes: ['write', 'check'],
		run(job) {
			job.node('write', 'running');
			job.after(5, () => {
				job.node('write', 'completed');
				job.node('check', 'completed');
				job.finish({ text: `Hello ${String(job.input['name'])}` });
			});
		},
	},
	{
		name: 'poster',
		title: 'Make a Poster',
		description: 'Makes a poster of a picture',
		input: object({ picture: { ...file, title: 'Picture' }, title: text }, ['picture']),
		output: object({ poster: file }),
		nodes: ['resize', 'print'],
		run(job) {
			const given = job.input['picture'];
			const uri = isRecord(given) ? given['uri'] : given;
			const known = job.files.describe(String(uri));
			if (!known) return job.fail(`there is no picture at ${JSON.stringify(given)}`);
			const poster = png(480, 640, [29, 78, 137]);
			job.finish({ poster: { uri: job.files.publish(poster, 'image/png', 'png') } });
		},
	},
	{
		name: 'gated',
		title: 'Gated',
		description: 'Has a gate that is false, which fails nothing',
		input: object({}),
		output: object({}),
		nodes: ['gate', 'behind', 'beside'],
		run(job) {
			job.node('gate', 'failed');
			job.node('behind', 'skipped');
			job.node('beside', 'completed');
			job.finish({ done: true });
		},
	},
	{
		name: 'broken',
		title: 'Broken',
		description: 'Fails in its second node',
		input: object({}),
		output: object({}),
		nodes: ['first', 'second'],
		run(job) {
			job.node('first', 'completed');
			job.node('second', 'failed');
			job.fail('second: out of memory');
		},
	},
	{
		name: 'manual',
		title: 'Manual',
		description: 'Goes on until it is ended from outside',
		input: object({ n: { type: 'number' } }),
		output: object({}),
		nodes: ['only'],
	},
];
