import type { ClientContext } from '../api/context';
import { listIn } from '../api/paging';
import { readService } from '../api/readService';
import { textOf, type JsonObject } from '../util/json';

/** A session, as a list shows it. */
export interface SessionSummary {
	readonly id: string;
	readonly appId: string | undefined;
	readonly status: string;
	readonly expiresAt: string | undefined;
	readonly calls: number;
}

/**
 * Reads the workspace's sessions (`GET /sessions`).
 *
 * @throws InferenceError if they cannot be read
 */
export async function listSessions(context: ClientContext): Promise<readonly SessionSummary[]> {
	const rows = await readService({ method: 'GET', path: '/sessions' }, listIn, context);
	return rows.map(sessionFromWire).filter((session) => session !== undefined);
}

function sessionFromWire(row: JsonObject): SessionSummary | undefined {
	const id = textOf(row['id']);
	if (id === undefined) return undefined;
	const { call_count: calls } = row;
	return {
		id,
		appId: textOf(row['app_id']),
		status: textOf(row['status']) ?? 'unknown',
		expiresAt: textOf(row['expires_at']),
		calls: typeof calls === 'number' ? calls : 0,
	};
}
