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

/** Where people find an app, with their account. */
const PAGES = 'https://app.inference.sh/apps/';
/** Pages of the own apps that are read to leave them out of those of the store. */
const MOST_OWN_PAGES = 10;

/** @param page what the address of its page begins with; empty if it has none */
function listItem(app: AppSummary, page: string): INodeListSearchItems {
	const about = [app.category, app.description].filter((part) => part !== undefined).join(' · ');
	return {
		name: app.title === app.ref ? app.ref : `${app.title} (${app.ref})`,
		value: app.ref,
		...(page !== '' && app.ref.includes('/') ? { url: page + app.ref } : {}),
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

function result(
	items: readonly AppSummary[],
	next: string | undefined,
	page = '',
): INodeListSearchResult {
	const byRef = new Map(items.map((app) => [app.ref, app]));
	return {
		results: [...byRef.values()].map((app) => listItem(app, page)),
		...(next === undefined ? {} : { paginationToken: next }),
	};
}

/** Apps of the store that the workspace's own list does not have, whichever of its pages they are on. */
async function withoutOwn(
	client: InferenceClient,
	filter: string | undefined,
	apps: readonly AppSummary[],
): Promise<readonly AppSummary[]> {
	const own = new Set<string>();
	let cursor: string | undefined;
	for (let pages = 0; pages < MOST_OWN_PAGES; pages += 1) {
		const page = await client.apps.list(filter, cursor);
		for (const { ref } of page.items) own.add(ref);
		cursor = page.nextCursor;
		if (cursor === undefined) break;
	}
	return apps.filter(({ ref }) => !own.has(ref));
}

async function appsPage(
	client: InferenceClient,
	filter: string | undefined,
	token: string,
): Promise<INodeListSearchResult> {
	if (token.startsWith(STORE)) {
		const page = await storePage(client, filter, token.slice(STORE.length) || undefined);
		return result(
			await withoutOwn(client, filter, page.items),
			page.nextCursor && STORE + page.nextCursor,
			PAGES,
		);
	}
	const own = await client.apps.list(filter, token.slice(OWN.length) || undefined);
	if (own.nextCursor !== undefined) return result(own.items, OWN + own.nextCursor, PAGES);
	const store = await storePage(client, filter, undefined);
	const others = await withoutOwn(client, filter, store.items);
	return result([...own.items, ...others], store.nextCursor && STORE + store.nextCursor, PAGES);
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
