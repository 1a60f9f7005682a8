import { path } from '../api/api';
import type { ClientContext } from '../api/context';
import { listIn, PAGE_SIZE } from '../api/paging';
import { readService } from '../api/readService';
import { textOf, type JsonObject } from '../util/json';

/** A version of an app, as a list shows it. */
export interface VersionSummary {
	/** The short id, as references have it. */
	readonly id: string;
	readonly createdAt: string | undefined;
}

/** The newest versions of an app as the service lists them (`POST /apps/{id}/versions/list`). */
export async function versionRows(
	appId: string,
	context: ClientContext,
): Promise<readonly JsonObject[]> {
	const route = path('apps', appId, 'versions', 'list');
	const call = { method: 'POST', path: route, body: { limit: PAGE_SIZE } } as const;
	return await readService(call, listIn, context);
}

export function versionFromWire(row: JsonObject): VersionSummary | undefined {
	const id = textOf(row['short_id']) ?? textOf(row['id']);
	return id === undefined ? undefined : { id, createdAt: textOf(row['created_at']) };
}
