/** What is asked of n8n on a day of faults: a workflow for each thing that the nodes do. */
import { CREDENTIAL } from '../e2e/demo/demoInstance.mts';
import { app, FROM_ROWS, NODE, webhookWorkflow, type Json } from '../queue/workflows.mts';

/** Of each item; then its task is cancelled. */
const TIMEOUT_S = 20;
const LONGEST_TASK_MS = 2_000;
/** Longer than anybody waits: what is given up and not cancelled is seen to run on. */
const ENDLESS_MS = 86_400_000;
/** One row of so many is endless. */
const ENDLESS = 40;
const CONVERSATIONS = 4;

/** What an item asks for. */
export interface Row extends Json {
	/** Tells it from all others, and is in everything that is made for it. */
	readonly name: string;
}

/** Where an item came to. */
interface Outcome {
	readonly row: Row;
	/** JSON of the last node's item. */
	readonly result: Json;
	/** JSON of what another node made of the same row. */
	at(node: string): Json | undefined;
}

interface Kind {
	readonly workflow: ReturnType<typeof webhookWorkflow>;
	/** Rows of an execution, at least and at most. */
	readonly rows: readonly [number, number];
	row(name: string, ms: number): Row;
	isOwn(outcome: Outcome): boolean;
	/** Where a result tells of a failure although it is none itself. */
	failsWith?(result: Json): string | undefined;
}

const NAME = /[a-z]+ \d+\./;

/** The name of the item that something was made for. */
export function nameIn(made: unknown): string {
	return NAME.exec(JSON.stringify(made))?.[0] ?? '';
}

const again = { retryOnFail: true, maxTries: 3 };
const goesOn = { onError: 'continueRegularOutput' };
const times = { timeout: TIMEOUT_S, maxRetries: 3, options: {} };
const echoed = ({ row, result }: Outcome): boolean =>
	(result['output'] as { echo?: Json } | undefined)?.echo?.['name'] === row.name;
const answered = ({ row, result }: Outcome): boolean =>
	String(result['text']).startsWith(`You said "${String(row['text'])}".`);
const reading = (id: string) => ({ __rl: true, mode: 'id', value: id });

const REUSING = { reuse: 'completedOrRunning' };
const RUN = { ...FROM_ROWS, ...times, app: app('sandbox/echo') };
const MESSAGE = { ...times, agent: app('sandbox/assistant'), message: '={{ $json.text }}' };

/** An agent's turn; how long it takes is a part of what is said. */
function turn(id: string, conversation: Json, more: (name: string) => Json = () => ({})): Kind {
	return {
		workflow: webhookWorkflow({
			...{ id, type: 'agentMessage', node: { ...again, ...goesOn, typeVersion: 2 } },
			parameters: { ...MESSAGE, ...conversation },
		}),
		rows: [1, 3],
		row: (name, ms) => ({ name, text: `${name} (${ms} ms)`, ...more(name) }),
		isOwn: answered,
	};
}

/** By the ids of their workflows. */
export const KINDS: Readonly<Record<string, Kind>> = {
	run: {
		workflow: webhookWorkflow({
			...{ id: 'run', type: 'runApp', node: { ...again, ...goesOn, typeVersion: 2 } },
			parameters: { ...RUN, options: REUSING },
		}),
		rows: [1, 3],
		row: (name, ms) => ({ name, ms }),
		isOwn: echoed,
	},
	stream: {
		workflow: webhookWorkflow({
			...{ id: 'stream', type: 'streamTask', node: { ...again, ...goesOn, typeVersion: 2 } },
			parameters: RUN,
		}),
		rows: [1, 3],
		row: (name, ms) => ({ name, ms }),
		isOwn: echoed,
	},
	batch: {
		workflow: webhookWorkflow({
			...{ id: 'batch', type: 'batch', output: 2, node: { ...again, typeVersion: 2 } },
			parameters: { ...RUN, options: REUSING },
		}),
		rows: [5, 12],
		row: (name, ms) => ({ name, ms }),
		isOwn: echoed,
	},
	chat: turn('chat', { conversation: 'key', conversationKey: '={{ $json.key }}' }, (name) => ({
		key: `caller ${Number(/\d+/.exec(name)?.[0]) % CONVERSATIONS}`,
	})),
	begin: turn('begin', { conversation: 'new' }),
	talk: turn('talk', { conversation: 'chat', chatId: '={{ $json.chat }}' }),
	model: {
		workflow: webhookWorkflow({
			...{ id: 'model', type: '@n8n/n8n-nodes-langchain.agent' },
			node: { ...goesOn, typeVersion: 3.1 },
			parameters: { promptType: 'define', text: '={{ $json.text }}', options: {} },
			below: [
				{
					...{ name: 'Chat Model', type: 'lmChatInferenceSh', typeVersion: 1 },
					parameters: {
						model: app('sandbox/chat'),
						options: { timeout: TIMEOUT_S, maxRetries: 3 },
					},
					as: 'ai_languageModel',
				},
				{
					...{ name: 'Echo', type: 'runAppTool', typeVersion: 2 },
					parameters: {
						...times,
						toolDescription: 'Says it again',
						app: app('sandbox/echo'),
						inputMode: 'json',
						jsonInput: `={{ { text: $fromAI('x', 'What to say') } }}`,
						output: 'result',
					},
					as: 'ai_tool',
				},
			],
		}),
		// Of several items n8n's agent has those asked again that are answered, whenever another one has
		// called a tool.
		rows: [1, 1],
		// The agent is told of a tool's failure, and goes on.
		failsWith: ({ output }) => /^The tools say: \[?\{"error":.*/.exec(String(output))?.[0],
		// Every other one has the model call a tool.
		row: (name, ms) => {
			const calls = Number(/\d+/.exec(name)?.[0]) % 2 === 0;
			const call = calls ? ` call Echo {"x":"${name} by tool"}` : '';
			return { name, calls, text: `${name} think ${ms} ms${call}` };
		},
		isOwn({ row, result }) {
			const said = String(result['output']);
			return row['calls'] === true
				? said.startsWith('The tools say: ') && said.includes(`${row.name} by tool`)
				: said.startsWith(`You said "${String(row['text'])}".`);
		},
	},
	flow: {
		workflow: webhookWorkflow({
			...{ id: 'flow', type: 'inferenceSh', node: { ...again, ...goesOn } },
			parameters: {
				...times,
				...{ resource: 'flow', operation: 'run', flow: app('={{ $json.flow }}') },
				...{ inputMode: 'json', jsonInput: '={{ { name: $json.name } }}' },
			},
		}),
		rows: [1, 3],
		row: (name, ms) => ({ name, flow: ms === ENDLESS_MS ? 'sandbox/manual' : 'sandbox/greet' }),
		isOwn: ({ row, result }) =>
			(result['output'] as Json | undefined)?.['text'] === `Hello ${row.name}`,
	},
	// A file is uploaded, read again, and deleted.
	files: {
		workflow: webhookWorkflow({
			...{ id: 'files', type: 'inferenceSh', node: { ...again, ...goesOn } },
			parameters: {
				...times,
				...{ resource: 'file', operation: 'delete' },
				file: reading('={{ $("Upload").item.json.id }}'),
			},
			before: [
				{
					...{ name: 'File', type: 'n8n-nodes-base.convertToFile', typeVersion: 1.1 },
					parameters: {
						...{ operation: 'toText', sourceProperty: 'name', binaryPropertyName: 'data' },
						options: { fileName: '={{ $json.name }}txt' },
					},
				},
				{
					...{ name: 'Upload', type: 'inferenceSh', typeVersion: 1 },
					parameters: { ...times, resource: 'file', operation: 'upload' },
					node: { ...again, ...goesOn },
				},
				{
					...{ name: 'Download', type: 'inferenceSh', typeVersion: 1 },
					parameters: {
						...times,
						...{ resource: 'file', operation: 'download', file: reading('={{ $json.id }}') },
					},
					node: { ...again, ...goesOn },
				},
				{
					...{ name: 'Read', type: 'n8n-nodes-base.extractFromFile', typeVersion: 1.1 },
					parameters: { operation: 'text', destinationKey: 'text', options: {} },
					node: goesOn,
				},
			],
		}),
		rows: [1, 3],
		row: (name) => ({ name }),
		isOwn: ({ row, result, at }) => result['deleted'] === true && at('Read')?.['text'] === row.name,
	},
	// Of another task, which has ended.
	reads: {
		workflow: webhookWorkflow({
			...{ id: 'reads', type: 'inferenceSh', node: { ...again, ...goesOn } },
			parameters: {
				...times,
				...{ resource: 'task', operation: 'get', taskId: '={{ $("Rows").item.json.task }}' },
			},
			before: [
				{
					...{ name: 'Balance', type: 'inferenceSh', typeVersion: 1 },
					parameters: { ...times, resource: 'account', operation: 'getBalance' },
					node: { ...again, ...goesOn },
				},
			],
		}),
		rows: [1, 3],
		row: (name) => ({ name }),
		isOwn: ({ row, result, at }) =>
			result['id'] === row['task'] &&
			nameIn(result['output']) === row['of'] &&
			at('Balance') !== undefined,
	},
};

/** The node that tells which tasks have ended. */
export const TRIGGER = 'Inference Trigger';

/** Polls at the beginning of each minute. */
export const triggerWorkflow = {
	name: 'Trigger',
	active: false,
	settings: { executionOrder: 'v1' },
	nodes: [
		{
			id: 'trigger',
			name: TRIGGER,
			type: 'n8n-nodes-inferencesh.inferenceShTrigger',
			typeVersion: 1,
			position: [0, 0],
			credentials: { [CREDENTIAL.type]: { id: CREDENTIAL.id, name: CREDENTIAL.name } },
			parameters: {
				event: 'taskFinished',
				pollTimes: { item: [{ mode: 'custom', cronExpression: '0 * * * * *' }] },
			},
		},
		{
			id: 'arrived',
			name: 'Arrived',
			type: 'n8n-nodes-base.noOp',
			typeVersion: 1,
			position: [200, 0],
			parameters: {},
		},
	],
	connections: { [TRIGGER]: { main: [[{ node: 'Arrived', type: 'main', index: 0 }]] } },
};

/** Draws what is asked. */
export class Workload {
	/** Everything that was asked for, by name. */
	readonly asked = new Map<string, { readonly row: Row; readonly workflow: string }>();
	private readonly random: () => number;

	/** @param random between 0 and 1, as Math.random */
	constructor(random: () => number) {
		this.random = random;
	}

	/** A whole number between 1 and `most`. */
	upTo(most: number): number {
		return 1 + Math.floor(this.random() * most);
	}

	/** Draws the rows of an execution. */
	rowsFor(workflow: string, more: Json = {}, count?: number): readonly Row[] {
		const kind = kindOf(workflow);
		const [least, most] = kind.rows;
		return Array.from({ length: count ?? least - 1 + this.upTo(most - least + 1) }, () => {
			const name = `${workflow} ${this.asked.size}.`;
			const ms = this.upTo(ENDLESS) === 1 ? ENDLESS_MS : this.upTo(LONGEST_TASK_MS);
			const row = { ...kind.row(name, ms), ...more };
			this.asked.set(name, { row, workflow });
			return row;
		});
	}
}

export function kindOf(workflow: string): Kind {
	const kind = KINDS[workflow];
	if (!kind) throw new Error(`There is no workflow ${workflow}.`);
	return kind;
}

/** The last node, whose items are the results. */
export { NODE };
