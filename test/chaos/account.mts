/** What became of every item that was asked for, and of everything that was bought for it. */
import type { N8nRest, SavedExecution } from '../e2e/n8n/rest.mts';
import type { Json } from '../queue/workflows.mts';
import type { Sandbox } from '../sandbox/index.mts';
import { kindOf, nameIn, NODE, type Row } from './workload.mts';

/** By then n8n has noticed the end of everything. */
const END_MS = 300_000;
const ENDED = new Set(['success', 'error', 'canceled', 'crashed']);

/** A request to n8n. */
export interface Call {
	readonly workflow: string;
	readonly rows: readonly Row[];
	/** Whether n8n has answered; it may have begun with it all the same. */
	taken: boolean;
}

/** Something at the service that costs money. */
export interface Bought {
	readonly what: 'task' | 'flow run' | 'message';
	/** Of a message the one of its chat. */
	readonly id: string;
	readonly name: string;
	/** What it was asked to do: equal for no two. */
	readonly asked: string;
	readonly state: 'running' | 'cancelled' | 'ended';
}

/** Everything that was ever bought. */
export function boughtAt(sandbox: Sandbox): readonly Bought[] {
	const state = (status: string): Bought['state'] => {
		if (status === 'cancelled' || status === 'canceled') return 'cancelled';
		return ['completed', 'failed', 'rejected'].includes(status) ? 'ended' : 'running';
	};
	const tasks = sandbox.tasks().map((task): Bought => {
		const asked = JSON.stringify([task.app, task.input]);
		return {
			...{ what: 'task', id: task.id, name: nameIn(task.input), asked },
			state: state(task.status),
		};
	});
	const flowRuns = sandbox.flowRuns().map((run): Bought => {
		const asked = JSON.stringify([run.flow, run.input]);
		return {
			...{ what: 'flow run', id: run.id, name: nameIn(run.input), asked },
			state: state(run.status),
		};
	});
	const turns = new Map(sandbox.agentRuns().map((run) => [run.userMessageId, run.state]));
	const messages = sandbox.chats().flatMap(({ id, messages }) =>
		messages
			.filter(({ role }) => role === 'user')
			.map((message): Bought => {
				const status = turns.get(message.id) ?? message.status;
				const { text } = message;
				return { what: 'message', id, name: nameIn(text), asked: text, state: state(status) };
			}),
	);
	return [...tasks, ...flowRuns, ...messages];
}

/** What became of an item. */
export interface Fate {
	readonly call: number;
	readonly row: Row;
	readonly workflow: string;
	readonly what:
		| 'own result'
		| 'honest error'
		/** Nobody gets the results of an execution that was stopped in that node. */
		| 'stopped'
		/** Of an execution that was ended before it was saved, such as by the end of its worker. */
		| 'not kept'
		/** Nor has the main instance said that it has been taken: it was cut off. */
		| 'lost with n8n'
		| 'no result'
		| "another's result";
	/** What stands there instead of a result of its own. */
	readonly says?: unknown;
	readonly reused?: boolean;
}

type RunData = SavedExecution['data']['resultData']['runData'];

function itemsOf(runData: RunData, node: string, outputs: number) {
	const main = runData[node]?.at(-1)?.data?.main ?? [];
	return main.slice(0, outputs).flatMap((items) => items ?? []);
}

/** What n8n has kept of an execution, which may be nothing at all. */
function keptOf({ data }: SavedExecution): Partial<SavedExecution['data']['resultData']> {
	const { resultData }: Partial<SavedExecution['data']> = data;
	return resultData ?? {};
}

function fatesOf(execution: SavedExecution, call: number, { workflow, rows }: Call): Fate[] {
	const { runData = {}, error: ended } = keptOf(execution);
	const results = itemsOf(runData, NODE, workflow === 'batch' ? 2 : 1);
	return rows.map((row, index): Fate => {
		const about = { call, row, workflow };
		const result = results.find(
			({ pairedItem }) => (pairedItem as { item?: number } | undefined)?.item === index,
		)?.json;
		const at = (node: string): Json | undefined => itemsOf(runData, node, 1)[index]?.json;
		if (result?.['error'] !== undefined) {
			return { ...about, what: 'honest error', says: result };
		}
		const failure = result && kindOf(workflow).failsWith?.(result);
		if (failure !== undefined) {
			return { ...about, what: 'honest error', says: { error: failure } };
		}
		if (result && kindOf(workflow).isOwn({ row, result, at })) {
			const { reused } = (result['run'] ?? {}) as { reused?: boolean };
			return { ...about, what: 'own result', reused: reused === true };
		}
		if (execution.status === 'canceled') return { ...about, what: 'stopped' };
		// Of a node that has failed as a whole n8n hands on what came in, or nothing.
		if (execution.status === 'error' && ended) {
			return { ...about, what: 'honest error', says: { error: ended.message } };
		}
		const isAnothers = result !== undefined && JSON.stringify(result) !== JSON.stringify(row);
		return { ...about, what: isAnothers ? "another's result" : 'no result', says: result };
	});
}

/** What n8n says in the end of all that it was asked. */
export interface Account {
	readonly fates: readonly Fate[];
	/** States of the executions of which n8n has kept nothing. */
	readonly withoutData: readonly string[];
	/** All executions, as n8n shows them. */
	readonly texts: readonly string[];
}

/** The number of the call that an execution is for; it is lost with what n8n has not kept. */
function callOf(execution: SavedExecution): number | undefined {
	const [request] = itemsOf(keptOf(execution).runData ?? {}, 'Webhook', 1);
	return (request?.json['body'] as { call?: number } | undefined)?.call;
}

/** Waits until n8n has done with everything, and reads it all. */
export async function accountOf(
	rest: N8nRest,
	workflows: readonly string[],
	calls: readonly Call[],
): Promise<Account> {
	const fates: Fate[] = [];
	const texts: string[] = [];
	const known = new Set<number>();
	const withoutData: string[] = [];
	for (const workflow of workflows) {
		for (const { id } of await rest.allExecutions(workflow)) {
			const execution = await rest.executionOnce(id, ENDED, END_MS);
			texts.push(JSON.stringify(execution));
			const number = callOf(execution);
			const call = number === undefined ? undefined : calls[number];
			if (number === undefined || !call) {
				withoutData.push(execution.status);
				continue;
			}
			known.add(number);
			fates.push(...fatesOf(execution, number, call));
		}
	}
	for (const [number, { workflow, rows, taken }] of calls.entries()) {
		if (known.has(number)) continue;
		const what = taken ? 'not kept' : 'lost with n8n';
		fates.push(...rows.map((row): Fate => ({ call: number, row, workflow, what })));
	}
	return { fates, withoutData, texts };
}

/** Counts by workflow and by what they are counted for. */
export function countBy<T>(
	all: readonly T[],
	of: (one: T) => readonly [string, string],
): Record<string, Record<string, number>> {
	const counts: Record<string, Record<string, number>> = {};
	for (const one of all) {
		const [group, what] = of(one);
		const row = (counts[group] ??= {});
		row[what] = (row[what] ?? 0) + 1;
	}
	return counts;
}
