import { createHash } from 'crypto';
import { asJsonObject, isJsonObject, textOf, type JsonObject } from '../util/json';
import type { RunRequest } from './runRequest';
import { taskFromWire, type Task } from './task';
import { TaskFingerprint } from './taskFingerprint';

/** A task that was bought before, and may give an item its result. */
export interface EarlierTask {
	readonly task: Task;
	readonly completed: boolean;
	/** Whether `task` holds its result; otherwise it is still to be read. */
	readonly isRead: boolean;
}

/** Characters of an output that is kept, and of all of them; others are read when they are needed. */
const LONGEST_OUTPUT = 20_000;
const MOST_OUTPUT = 50_000_000;

/** What identifies a task, beside its app and input. */
const FACTS = ['app_version_id', 'function', 'setup', 'session_id', 'infra', 'workers', 'run_at'];
const APP = ['id', 'namespace', 'name', 'version_id', 'team_id'];
/** What says that a task was not started as one of ours. */
const ORIGIN = ['chat_id', 'flow_run_id', 'agent_id', 'team_id'];
/** What a result is made of. */
const STATE = ['id', 'status', 'session_id', 'created_at', 'updated_at'];
const RESULT = ['output', ...STATE];

/** What the index needs of a row. */
export const INDEXED: readonly string[] = [
	...new Set(['app', 'app_id', 'input', 'webhook', ...FACTS, ...ORIGIN, ...RESULT]),
];

/** Where n8n is called to go on with an execution: each one has an address of its own. */
const RESUME_URL = /\/webhook-waiting\//;

/** Tasks with one input that are alike in all else, too; the oldest last. */
interface Alike {
	readonly facts: JsonObject;
	readonly completed: EarlierTask[];
	readonly running: EarlierTask[];
}

/**
 * Earlier tasks of an app, by what they were asked for. Of each only a hash of its input is kept, its
 * result if that is small, and what else identifies it once for all that have the same.
 */
export class TaskIndex {
	private readonly byInput = new Map<string, Map<string, Alike>>();
	private readonly seen = new Set<string>();
	private outputLeft = MOST_OUTPUT;

	/**
	 * @param app the app as the service shows it now, with its current version; undefined if it does not
	 * @param running whether tasks that have not ended yet count, too
	 */
	constructor(
		private readonly app: JsonObject | undefined,
		private readonly running: boolean,
	) {}

	/** Tasks that were seen, whatever they are. */
	get size(): number {
		return this.seen.size;
	}

	/** Takes in a row of the task list; nothing else of it is held. */
	add(row: JsonObject): void {
		const task = taskFromWire(row);
		const input = asJsonObject(row['input']);
		if (!task || !input || this.seen.has(task.id)) return;
		this.seen.add(task.id);
		const completed = task.status === 'completed';
		const isRunning = !task.terminal && task.status !== 'cancelling' && task.status !== 'unknown';
		if (!completed && !(this.running && isRunning)) return;
		const alike = this.alike(hashOf(input), this.factsOf(row));
		if (completed) alike.completed.push(this.result(task));
		else alike.running.push({ task: shortened(task, STATE), completed, isRead: false });
	}

	/**
	 * Takes a task with an equal fingerprint, which serves nobody else from then on; one that has ended
	 * before one that runs, the oldest first.
	 */
	take(request: RunRequest): EarlierTask | undefined {
		const fingerprint = new TaskFingerprint(request);
		const input = asJsonObject(fingerprint.echo['input']) ?? {};
		const equal = [...(this.byInput.get(hashOf(input))?.values() ?? [])].filter(
			({ facts }) => fingerprint.compare({ ...facts, input }) === 'equal',
		);
		const [completed] = equal.filter((alike) => alike.completed.length > 0);
		if (completed) return completed.completed.pop();
		return equal.find(({ running }) => running.length > 0)?.running.pop();
	}

	private alike(hash: string, facts: JsonObject): Alike {
		const known = this.byInput.get(hash) ?? new Map<string, Alike>();
		this.byInput.set(hash, known);
		const key = JSON.stringify(facts);
		const alike = known.get(key) ?? { facts, completed: [], running: [] };
		known.set(key, alike);
		return alike;
	}

	private factsOf(row: JsonObject): JsonObject {
		const webhook = textOf(row['webhook']) ?? '';
		return {
			...picked(row, [...FACTS, ...ORIGIN]),
			app: this.appOf(row),
			app_version: this.versionOf(row),
			// What waits for a callback is called somewhere else, but asks for the same.
			webhook: RESUME_URL.test(webhook) ? undefined : row['webhook'],
		};
	}

	/** Rows may show their app without its current version, as a text, or only its id. */
	private appOf(row: JsonObject): unknown {
		const { app, app_id: id } = row;
		const named = isJsonObject(app) ? app : undefined;
		const known = this.app && picked(this.app, APP);
		const isIt = known !== undefined && (id ?? named?.['id'] ?? known['id']) === known['id'];
		if (isIt && (named || textOf(app) === undefined)) return known;
		return named ? picked(named, APP) : app;
	}

	/** The current version tells which function is run if none is named. */
	private versionOf(row: JsonObject): JsonObject | undefined {
		const current = asJsonObject(this.app?.['version']);
		const isCurrent = current !== undefined && row['app_version_id'] === this.app?.['version_id'];
		return isCurrent ? picked(current, ['id', 'short_id', 'default_function']) : undefined;
	}

	private result(task: Task): EarlierTask {
		const length = task.output === undefined ? Infinity : JSON.stringify(task.output).length;
		const isKept = length <= Math.min(LONGEST_OUTPUT, this.outputLeft);
		if (isKept) this.outputLeft -= length;
		return { task: shortened(task, isKept ? RESULT : STATE), completed: true, isRead: isKept };
	}
}

function shortened(task: Task, keys: readonly string[]): Task {
	return taskFromWire(picked(task.wire, keys)) ?? task;
}

function picked(object: JsonObject, keys: readonly string[]): JsonObject {
	return Object.fromEntries(keys.filter((key) => key in object).map((key) => [key, object[key]]));
}

/** The same for the same JSON, whatever the order of its keys. */
function hashOf(input: JsonObject): string {
	const inOrder = (_key: string, value: unknown): unknown =>
		isJsonObject(value)
			? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
			: value;
	return createHash('sha256').update(JSON.stringify(input, inOrder)).digest('base64');
}
