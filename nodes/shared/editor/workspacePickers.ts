import type { ILoadOptionsFunctions, INodeListSearchResult } from 'n8n-workflow';
import { textOf } from '../../client/util/json';
import { fillList } from './editorQuery';

/**
 * Fills the file picker with the files of the workspace, newest first, page by page.
 *
 * @throws NodeApiError that says why nothing can be listed
 */
export async function searchFiles(
	this: ILoadOptionsFunctions,
	filter?: string,
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	const { rows, nextCursor } = await fillList(this, 'files', async ({ workspace }) => {
		return await workspace.files(filter, paginationToken);
	});
	const results = rows.map((row) => {
		const id = String(row['id']);
		const about = [row['content_type'], row['created_at']].map(textOf).filter(Boolean).join(' · ');
		return { name: textOf(row['filename']) ?? id, value: id, description: about };
	});
	return { results, ...(nextCursor !== undefined && { paginationToken: nextCursor }) };
}

/**
 * Fills the flow picker with the flows of the workspace, page by page.
 *
 * @throws NodeApiError that says why nothing can be listed
 */
export async function searchFlows(
	this: ILoadOptionsFunctions,
	filter?: string,
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	const { items, nextCursor } = await fillList(this, 'flows', async ({ flows }) => {
		return await flows.list(filter, paginationToken);
	});
	const results = items.map(({ ref, title, description }) => ({
		name: title === ref ? ref : `${title} (${ref})`,
		value: ref,
		...(description !== undefined && { description }),
	}));
	return { results, ...(nextCursor !== undefined && { paginationToken: nextCursor }) };
}
