import type { ClientContext } from '../api/context';
import { PAGE_SIZE, readPage } from '../api/paging';
import { retrying } from '../api/retry';
import { createdMs } from '../api/serviceClock';
import type { Page } from '../apps/summaries';
import { InferenceError } from '../errors';
import { asJsonObject, textOf, type JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';
import { pendingCalls, runFromWire, type PendingCall } from './chat';

/** A chat whose agent waits for somebody, as the list shows it. */
export interface WaitingChat {
	readonly id: string;
	/** `namespace/name` of its agent; undefined if that is not told, or it has none. */
	readonly agent: string | undefined;
	readonly agentId: string | undefined;
	/** What it waits for; empty if the list does not show that. */
	readonly calls: readonly PendingCall[];
	/** When it was changed last, ms. */
	readonly updatedAt: number | undefined;
}

const AWAITING = 'awaiting_input';

/**
 * Reads a page of the chats that wait for somebody (`POST /chats/list`, filtered by `status`).
 *
 * @param cursor undefined for the first page
 * @throws InferenceError if the list cannot be read
 */
export async function listWaiting(
	cursor: string | undefined,
	context: ClientContext,
): Promise<Page<WaitingChat>> {
	const filters = [{ field: 'status', operator: 'in', value: [AWAITING] }];
	const page = await outcomeOf(readList({ cursor, filters }, context));
	if (page.ok) return page.value;
	const { error } = page;
	// Filters spare reading, and nothing depends on them.
	if (!(error instanceof InferenceError) || error.httpStatus !== 400) throw error;
	return await readList({ cursor }, context);
}

async function readList(question: JsonObject, context: ClientContext): Promise<Page<WaitingChat>> {
	const { api, signal } = context;
	const body = { limit: PAGE_SIZE, ...question };
	const call = { method: 'POST', path: '/chats/list', body, signal } as const;
	const { rows, next } = await retrying(
		async () => readPage(api, call, await api.sendTimed(call)),
		context,
	);
	return {
		items: rows.map(waitingFromWire).filter((chat) => chat !== undefined),
		nextCursor: next.kind === 'more' ? next.cursor : undefined,
	};
}

function waitingFromWire(wire: JsonObject): WaitingChat | undefined {
	const id = textOf(wire['id']);
	const { kind = 'unknown' } = runFromWire(wire['active_run']) ?? {};
	const isWaiting = kind === 'unknown' ? wire['status'] === AWAITING : kind === 'interrupted';
	if (id === undefined || !isWaiting) return undefined;
	const agent = asJsonObject(wire['agent']);
	const namespace = textOf(agent?.['namespace']);
	const name = textOf(agent?.['name']);
	return {
		id,
		agent: namespace === undefined || name === undefined ? undefined : `${namespace}/${name}`,
		agentId: textOf(wire['agent_id']) ?? textOf(agent?.['id']),
		calls: pendingCalls([], wire['pending_interrupts']),
		updatedAt: createdMs(textOf(wire['updated_at'])),
	};
}
