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
const WAITS = [AWAITING, 'input_required', 'auth_required'];

/** Whether a status of a chat or of its run is one in which an agent waits for somebody. */
export function isWaiting(status: unknown): boolean {
	return WAITS.includes(textOf(status)?.trim().toLowerCase() ?? '');
}

/** Whose chat one is, as far as the service tells it. */
export function agentOfChat(wire: JsonObject): Pick<WaitingChat, 'agent' | 'agentId'> {
	const agent = asJsonObject(wire['agent']);
	const namespace = textOf(agent?.['namespace']);
	const name = textOf(agent?.['name']);
	return {
		agent: namespace === undefined || name === undefined ? undefined : `${namespace}/${name}`,
		agentId: textOf(wire['agent_id']) ?? textOf(agent?.['id']),
	};
}

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
	const waits = kind === 'unknown' ? isWaiting(wire['status']) : kind === 'interrupted';
	if (id === undefined || !waits) return undefined;
	return {
		id,
		...agentOfChat(wire),
		calls: pendingCalls([], wire['pending_interrupts']),
		updatedAt: createdMs(textOf(wire['updated_at'])),
	};
}
