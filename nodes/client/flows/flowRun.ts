import { mergeUpdate, type Update } from '../follow/update';
import { errorText, isJsonObject, listOf, textOf, type JsonObject } from '../util/json';

/** In the order of their numbers, which are others than those of tasks (API notes 7.2). */
export const FLOW_RUN_STATUSES = [
	'unknown',
	'pending',
	'running',
	'completed',
	'failed',
	'cancelled',
] as const;

export type FlowRunStatus = (typeof FLOW_RUN_STATUSES)[number];

/** One run of a flow: the merged wire object, plus what this client needs of it in types. */
export interface FlowRun {
	readonly id: string;
	readonly status: FlowRunStatus;
	/** Whether nothing changes any more. */
	readonly terminal: boolean;
	readonly output: unknown;
	readonly error: string | undefined;
	readonly createdAt: string | undefined;
	readonly wire: JsonObject;
}

/** Reads a status from the wire: a number, or a name in any case; `unknown` for everything else. */
export function parseFlowRunStatus(value: unknown): FlowRunStatus {
	const text = String(value).trim().toLowerCase();
	if (/^\d+$/.test(text)) return FLOW_RUN_STATUSES[Number(text)] ?? 'unknown';
	if (text === 'canceled') return 'cancelled';
	return FLOW_RUN_STATUSES.find((name) => name === text) ?? 'unknown';
}

/** Go writes times that are not set as the year 1. */
function isTime(value: unknown): boolean {
	return typeof value === 'string' && Date.parse(value) > 0;
}

/**
 * Views a wire object as the run of a flow. One with a status that nobody knows has ended if it says
 * when: then its error tells how.
 *
 * @returns undefined if it is no object with an `id`
 */
export function flowRunFromWire(wire: unknown): FlowRun | undefined {
	if (!isJsonObject(wire)) return undefined;
	const id = textOf(wire['id']);
	if (id === undefined) return undefined;
	const error = errorText(wire['error']);
	const said = parseFlowRunStatus(wire['status']);
	const ended = error === undefined ? 'completed' : 'failed';
	const status = said === 'unknown' && isTime(wire['flow_run_finished']) ? ended : said;
	return {
		id,
		status,
		terminal: status === 'completed' || status === 'failed' || status === 'cancelled',
		output: wire['output'],
		error,
		createdAt: textOf(wire['created_at']) ?? textOf(wire['flow_run_started']),
		wire,
	};
}

/** Whether a run whose status nobody knows may have ended all the same: it has an error. */
export function hasStrangeStatus({ status, error }: FlowRun): boolean {
	return status === 'unknown' && error !== undefined;
}

/** A run that has ended with a status that nobody knows: whatever it means, it is no success. */
export function endedStrangely(run: FlowRun): FlowRun {
	const said = JSON.stringify(run.wire['status']);
	const error = `${run.error} (its status is ${said}, which is not known here, and it does not change any more)`;
	return { ...run, status: 'failed', terminal: true, error };
}

/** Merges an update into a run. */
export function mergeFlowRun(run: FlowRun, update: Update): FlowRun {
	return flowRunFromWire(mergeUpdate(run.wire, update)) ?? run;
}

/**
 * The nodes of a run and their states, such as `failed`; undefined if the service does not tell. They
 * come by their ids or as a list, and a state may be a word or stand in an object.
 */
export function nodeStatuses({ wire }: FlowRun): Readonly<Record<string, unknown>> | undefined {
	const { node_statuses: told } = wire;
	if (!isJsonObject(told) && !Array.isArray(told)) return undefined;
	const nodes = isJsonObject(told)
		? Object.entries(told)
		: listOf(told)
				.filter(isJsonObject)
				.map((node) => [textOf(node['node_id']) ?? textOf(node['id']) ?? '?', node] as const);
	return Object.fromEntries(
		nodes.map(([id, state]) => [id, isJsonObject(state) ? state['status'] : state]),
	);
}

/** The nodes of a run that are in a state, such as `failed`. */
export function nodesIn(run: FlowRun, state: string): readonly string[] {
	return Object.entries(nodeStatuses(run) ?? {})
		.filter(([, said]) => String(said).toLowerCase() === state)
		.map(([id]) => id);
}
