import type { GenericValue, IDataObject, INodeExecutionData } from 'n8n-workflow';
import { isJsonObject } from '../../client/util/json';
import type { TaskRun } from '../../client/tasks/taskRun';

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
	return { attempts: run.attempts, duration_ms: run.durationMs, via: run.via };
}

/** How long the task of an output item took, ms; 0 if the item does not say. */
export function durationOf({ json: { run } }: INodeExecutionData): number {
	const ms = isJsonObject(run) ? run['duration_ms'] : undefined;
	return typeof ms === 'number' ? ms : 0;
}

/** The output item of a task that has completed. */
function completedItem(run: TaskRun, app: string, itemIndex: number): INodeExecutionData {
	const { id, status, output, sessionId, createdAt, updatedAt } = run.task;
	const json: IDataObject = { id, status, output: isData(output) ? (output ?? null) : null, app };
	if (sessionId !== undefined) json['session_id'] = sessionId;
	if (createdAt !== undefined) json['created_at'] = createdAt;
	if (updatedAt !== undefined) json['updated_at'] = updatedAt;
	json['run'] = runFacts(run);
	return { json, pairedItem: { item: itemIndex } };
}

/**
 * The whole task as an output item. An error that a completed task carries is renamed: n8n takes
 * an item with a top-level `error` for a failed one and would run the node again.
 */
function fullTaskItem(run: TaskRun, itemIndex: number): INodeExecutionData {
	const { error, ...wire } = run.task.wire;
	const json = asData({
		...wire,
		status: run.task.status,
		task_error: error === null || error === '' ? undefined : error,
		run: runFacts(run),
	});
	return { json, pairedItem: { item: itemIndex } };
}

/** The output item of a task that has completed, in the form that the item asks for. */
export function resultItem(
	run: TaskRun,
	form: { readonly app: string; readonly fullTask: boolean },
	itemIndex: number,
): INodeExecutionData {
	return form.fullTask ? fullTaskItem(run, itemIndex) : completedItem(run, form.app, itemIndex);
}

/** The output item of a task that was started and not waited for. */
export function startedItem(run: TaskRun, itemIndex: number): INodeExecutionData {
	const json = { id: run.task.id, status: run.task.status };
	return { json, pairedItem: { item: itemIndex } };
}
