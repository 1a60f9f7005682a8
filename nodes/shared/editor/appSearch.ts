import type {
	ILoadOptionsFunctions,
	INodeListSearchItems,
	INodeListSearchResult,
} from 'n8n-workflow';
import type { AppSummary, Page } from '../../client/apps/summaries';
import type { InferenceClient } from '../../client/client';
import { InferenceError } from '../../client/errors';
import { outcomeOf } from '../../client/util/outcome';
import { fillList } from './editorQuery';

/** Where the next page is: in the workspace's own apps or in the store. */
const OWN = 'own:';
const STORE = 'store:';

function listItem(app: AppSummary): INodeListSearchItems {
	const about = [app.category, app.description].filter((part) => part !== undefined).join(' · ');
	return {
		name: app.title === app.ref ? app.ref : `${app.title} (${app.ref})`,
		value: app.ref,
		...(about === '' ? {} : { description: about }),
	};
}

/** The store's route is not documented and may be missing; the own apps are shown all the same. */
async function storePage(
	client: InferenceClient,
	search: string | undefined,
	cursor: string | undefined,
): Promise<Page<AppSummary>> {
	const page = await outcomeOf(client.apps.listStore(search, cursor));
	if (page.ok) return page.value;
	const isMissing = page.error instanceof InferenceError && page.error.httpStatus === 404;
	if (isMissing) return { items: [], nextCursor: undefined };
	throw page.error;
}

function result(items: readonly AppSummary[], next: string | undefined): INodeListSearchResult {
	return {
		results: items.map(listItem),
		...(next === undefined ? {} : { paginationToken: next }),
	};
}

async function appsPage(
	client: InferenceClient,
	filter: string | undefined,
	token: string,
): Promise<INodeListSearchResult> {
	if (token.startsWith(STORE)) {
		const page = await storePage(client, filter, token.slice(STORE.length) || undefined);
		return result(page.items, page.nextCursor && STORE + page.nextCursor);
	}
	const own = await client.apps.list(filter, token.slice(OWN.length) || undefined);
	if (own.nextCursor !== undefined) return result(own.items, OWN + own.nextCursor);
	const known = new Set(own.items.map((app) => app.ref));
	const store = await storePage(client, filter, undefined);
	const others = store.items.filter((app) => !known.has(app.ref));
	return result([...own.items, ...others], store.nextCursor && STORE + store.nextCursor);
}

/**
 * Fills the app picker: the apps of the workspace first, then those of the store, page by page.
 *
 * @throws NodeApiError that says why nothing can be listed
 */
export async function searchApps(
	this: ILoadOptionsFunctions,
	filter?: string,
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	const list = async (client: InferenceClient) =>
		await appsPage(client, filter, paginationToken ?? OWN);
	return await fillList(this, 'apps', list);
}

/**
 * Fills the agent picker with the agents of the workspace, page by page.
 *
 * @throws NodeApiError that says why nothing can be listed
 */
export async function searchAgents(
	this: ILoadOptionsFunctions,
	filter?: string,
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	return await fillList(this, 'agents', async (client) => {
		const page = await client.agents.list(filter, paginationToken);
		return result(page.items, page.nextCursor);
	});
}
