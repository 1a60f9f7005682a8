import type {
	ILoadOptionsFunctions,
	INodeListSearchItems,
	INodeListSearchResult,
} from 'n8n-workflow';
import { appName } from '../../client/apps/appRef';
import { outcomeOf } from '../../client/util/outcome';
import { searchApps } from './appSearch';
import { chosenApp, fillList } from './editorQuery';
import { getInputFields } from './inputFields';

function matching(items: readonly INodeListSearchItems[], filter = ''): INodeListSearchResult {
	const term = filter.trim().toLowerCase();
	const results = items.filter(({ name, value }) =>
		`${name} ${value}`.toLowerCase().includes(term),
	);
	return { results };
}

const described = (description: string | undefined) =>
	description === undefined ? {} : { description };

/**
 * Fills the function picker: the functions of the chosen app that can be called over HTTP.
 *
 * @throws NodeApiError that says why nothing can be listed
 */
export async function searchFunctions(
	this: ILoadOptionsFunctions,
	filter?: string,
): Promise<INodeListSearchResult> {
	const ref = chosenApp(this);
	if (!ref) return { results: [] };
	const { functions, defaultFunction } = await fillList(this, 'functions', async (client) => {
		return await client.apps.get(ref.app);
	});
	const callable = functions.filter(({ streams }) => !streams);
	const items = callable.map(({ name, description }) => ({
		name: name === defaultFunction ? `${name} (default)` : name,
		value: name,
		...described(description),
	}));
	return matching(items, filter);
}

/**
 * Fills the version picker with the versions of the chosen app, newest first.
 *
 * @throws NodeApiError that says why nothing can be listed
 */
export async function searchVersions(
	this: ILoadOptionsFunctions,
	filter?: string,
): Promise<INodeListSearchResult> {
	const ref = chosenApp(this);
	if (!ref) return { results: [] };
	const items = await fillList(this, 'versions', async ({ apps }) => {
		const { id, versionIds } = await apps.get(appName(ref.app));
		const versions = id === undefined ? [] : await apps.versions(id);
		return versions.map(({ id: version, createdAt }) => ({
			name: versionIds.includes(version) ? `${version} (current)` : version,
			value: version,
			...described(createdAt),
		}));
	});
	return matching(items, filter);
}

/**
 * Fills the session picker: a new session, and those of the chosen app that are still alive.
 *
 * @throws NodeApiError that says why nothing can be listed
 */
export async function searchSessions(
	this: ILoadOptionsFunctions,
	filter?: string,
): Promise<INodeListSearchResult> {
	const ref = chosenApp(this);
	const sessions = await fillList(this, 'sessions', async ({ apps }) => {
		const all = await apps.sessions();
		const alive = all.filter(({ status }) => status === 'active');
		const app = ref && (await outcomeOf(apps.get(appName(ref.app))));
		const appId = app?.ok ? app.value.id : undefined;
		return alive.filter((session) => appId === undefined || session.appId === appId);
	});
	const items = sessions.map(({ id, calls, expiresAt }) => ({
		name: id,
		value: id,
		description: `${calls} calls${expiresAt === undefined ? '' : `, until ${expiresAt}`}`,
	}));
	return matching([{ name: 'New Session', value: 'new' }, ...items], filter);
}

/** What every node that runs apps asks the service for while it is being set up. */
export const appMethods = {
	listSearch: { searchApps, searchFunctions, searchVersions, searchSessions },
	resourceMapping: { getInputFields },
};
