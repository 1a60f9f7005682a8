import type { GenericValue, IDataObject, INodeExecutionData } from 'n8n-workflow';
import { isJsonObject } from '../../client/util/json';
import { UnexpectedOutputError } from '../../client/errors';
import type { Task } from '../../client/tasks/task';
import type { TaskRun } from '../../client/tasks/taskRun';
import { answerText } from './answerText';

/** Values of parsed JSON are what n8n calls data; this says so to the compiler, value by value. */
function isData(value: unknown): value is GenericValue | IDataObject | GenericValue[] {
	return typeof value !== 'function' && typeof value !== 'symbol' && typeof value !== 'bigint';
}

/** An n8n object of the entries that have a value. */
export function asData(entries: Readonly<Record<string, unknown>>): IDataObject {
	const object: IDataObject = {};
	for (const [key, value] of Object.entries(entries)) {
		if (value !== undefined && isData(value)) object[key] = value;
	}
	return object;
}

function runFacts(run: TaskRun): IDataObject {
	const facts = { attempts: run.attempts, duration_ms: run.durationMs, via: run.via };
	return run.reused ? { ...facts, reused: true } : facts;
}

const LONGEST_SHOWN = 100;

function shortJson(value: unknown): string {
	const json = JSON.stringify(value) ?? 'empty';
	return json.length > LONGEST_SHOWN ? `${json.slice(0, LONGEST_SHOWN)}…` : json;
}

/** Output items with the result of a task that was bought before. */
const reused = new WeakSet<INodeExecutionData>();
/** How long the tasks of those output items took whose JSON is only the app's, ms. */
const untold = new WeakMap<INodeExecutionData, number>();

/** How long the task of an output item took, ms; 0 if that is not known. */
export function durationOf(item: INodeExecutionData): number {
	const known = untold.get(item);
	if (known !== undefined) return known;
	const { run } = item.json;
	const ms = isJsonObject(run) ? run['duration_ms'] : undefined;
	return typeof ms === 'number' ? ms : 0;
}

/** Whether an output item has the result of a task that was bought before. */
export function wasReused(item: INodeExecutionData): boolean {
	return reused.has(item);
}

/** Adds facts to what an output item tells of its run, if it tells anything of it. */
export function addRunFacts(item: INodeExecutionData, facts: IDataObject): void {
	const { run } = item.json;
	if (!untold.has(item) && isJsonObject(run)) item.json['run'] = { ...run, ...facts };
}

/** Adds what is known of a task besides its output. */
function withFacts(
	json: IDataObject,
	run: TaskRun,
	{ app, cost = false }: WantedItem,
): IDataObject {
	const { sessionId, createdAt, updatedAt } = run.task;
	json['app'] = app;
	if (sessionId !== undefined) json['session_id'] = sessionId;
	// Known later; here it has its place.
	if (cost) json['cost'] = null;
	if (createdAt !== undefined) json['created_at'] = createdAt;
	if (updatedAt !== undefined) json['updated_at'] = updatedAt;
	json['run'] = runFacts(run);
	return json;
}

/**
 * The whole task. An error that a completed task carries is renamed: n8n takes an item with a
 * top-level `error` for a failed one and would run the node again.
 */
function fullTask(run: TaskRun): IDataObject {
	const { error, ...wire } = run.task.wire;
	return asData({
		...wire,
		status: run.task.status,
		task_error: error === null || error === '' ? undefined : error,
		run: runFacts(run),
	});
}

/** An app's output as the JSON of an item; as in the whole task an `error` in it is renamed. */
function onlyResult(output: unknown): IDataObject {
	if (!isJsonObject(output)) return { output: isData(output) ? (output ?? null) : null };
	const { error, ...others } = output;
	return asData({ ...others, output_error: error });
}

/** @throws UnexpectedOutputError if the app does not answer in words */
function onlyText({ id, output }: Task): IDataObject {
	const text = answerText(output);
	if (text !== undefined) return { text };
	const what = isJsonObject(output)
		? `its output has ${Object.keys(output).join(', ') || 'no fields'}`
		: `its output is ${shortJson(output)}`;
	throw new UnexpectedOutputError(`Task ${id} has completed, but not with words: ${what}`, {
		about: { kind: 'task', id },
		hint: 'Set "Output" to "Only the Result", or to "Task", which show whatever the app gives. The task is not lost: Stream Task with "Source" set to "Existing Task" gets its result by its ID without running it again.',
	});
}

function jsonOf(run: TaskRun, wanted: WantedItem): IDataObject {
	const { id, status, output: given } = run.task;
	const output = isData(given) ? (given ?? null) : null;
	switch (wanted.form) {
		case 'task': {
			const text = answerText(output);
			const json = text === undefined ? { output, id, status } : { output, text, id, status };
			return withFacts(json, run, wanted);
		}
		case 'taskOfVersion1':
			return withFacts({ id, status, output }, run, wanted);
		case 'fullTask':
			return fullTask(run);
		case 'result':
			return onlyResult(given);
		case 'text':
			return onlyText(run.task);
	}
}

/**
 * What an output item is made of: facts about the task with the app's output among them; the same as
 * version 1 of the nodes has them; all that the service knows of the task; the app's output alone; or
 * its text alone.
 */
export type ItemForm = 'task' | 'taskOfVersion1' | 'fullTask' | 'result' | 'text';

/** What the output item of a task is to be. */
export interface WantedItem {
	/** As the item names it: with version and function, as given. */
	readonly app: string;
	readonly form: ItemForm;
	/** Whether it tells what the task has cost. */
	readonly cost?: boolean;
}

/**
 * The output item of a task that has completed.
 *
 * @throws UnexpectedOutputError if its text is wanted and it has none
 */
export function resultItem(
	run: TaskRun,
	wanted: WantedItem,
	itemIndex: number,
): INodeExecutionData {
	const item = { json: jsonOf(run, wanted), pairedItem: { item: itemIndex } };
	if (wanted.form === 'result' || wanted.form === 'text') untold.set(item, run.durationMs);
	if (run.reused) reused.add(item);
	return item;
}

/** The output item of a task that was started and not waited for. */
export function startedItem(run: TaskRun, itemIndex: number): INodeExecutionData {
	const json = { id: run.task.id, status: run.task.status };
	return { json, pairedItem: { item: itemIndex } };
}
