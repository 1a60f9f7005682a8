import type { IDataObject, INodeListSearchResult } from 'n8n-workflow';
import { NodeApiError, NodeOperationError } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { RunApp } from '../../../nodes/RunApp/RunApp.node.ts';
import type { SandboxApp } from '../../sandbox/index.mts';
import { loadOptionsContext } from '../../engine/engine.mts';
import { credentialsOf, useSandbox } from '../../engine/support.mts';

function manyApps(namespace: string, store: boolean): SandboxApp[] {
	return Array.from({ length: 70 }, (_, n) => ({
		namespace,
		name: `app-${n}`,
		title: n % 2 ? `Number ${n}` : '',
		description: `The ${n}th of many`,
		category: 'other',
		store,
		functions: {},
		run: () => undefined,
	}));
}

const sandbox = useSandbox({ apps: [...manyApps('mine', false), ...manyApps('public', true)] });
const node = new RunApp();

async function search(
	filter?: string,
	token?: string,
	credentials: IDataObject = credentialsOf(sandbox()),
): Promise<INodeListSearchResult> {
	const context = loadOptionsContext({ node, parameters: {}, credentials });
	return await node.methods.listSearch.searchApps.call(context, filter, token);
}

/** All pages, as the editor would load them one after another. */
async function allPages(filter?: string): Promise<INodeListSearchResult[]> {
	const pages = [await search(filter)];
	for (;;) {
		const token = pages.at(-1)?.paginationToken;
		if (token === undefined) return pages;
		if (pages.length > 20) throw new Error('The pages never end');
		pages.push(await search(filter, token));
	}
}

const refs = (pages: INodeListSearchResult[]) =>
	pages.flatMap(({ results }) => results.map(({ value }) => String(value)));

async function rejection(promise: Promise<unknown>): Promise<unknown> {
	return await promise.then(
		() => undefined,
		(error: unknown) => error,
	);
}

describe('the app picker', () => {
	it("lists the workspace's apps first, then the store's, each once, page by page", async () => {
		const pages = await allPages();
		expect(pages.length).toBeGreaterThan(2);
		const listed = refs(pages);
		expect(new Set(listed).size).toBe(listed.length);
		expect([...listed].sort()).toEqual([...sandbox().apps()].sort());
		const inStore = (ref: string) => /^(?!sandbox\/|mine\/)/.test(ref);
		const firstOfStore = listed.findIndex(inStore);
		expect(firstOfStore).toBeGreaterThan(70);
		expect(listed.slice(firstOfStore).every(inStore)).toBe(true);
	});

	it('lists an app of the workspace once that is in the store as well, on any page', async () => {
		const own = Array.from({ length: 120 }, (_, n) => `mine/both-${n}`);
		const list = (from: number, next: string | undefined) => ({
			items: own.slice(from, from + 60).map((ref) => {
				const [namespace, name] = ref.split('/');
				return { namespace, name, title: name };
			}),
			has_next: next !== undefined,
			...(next === undefined ? {} : { next_cursor: next }),
		});
		for (const [on, from, next] of [
			['POST /apps/list', 0, '60'],
			['POST /apps/list', 60, undefined],
			['POST /apps/list', 0, '60'],
			['POST /apps/list', 60, undefined],
			['POST /store/apps/list', 0, '60'],
			['POST /apps/list', 0, '60'],
			['POST /apps/list', 60, undefined],
			['POST /store/apps/list', 60, undefined],
		] as const) {
			sandbox().fault({ on, kind: 'status', status: 200, body: list(from, next) });
		}
		expect(refs(await allPages('both')).sort()).toEqual([...own].sort());
	});

	it('searches both', async () => {
		const found = refs(await allPages('app-6'));
		const names = ['app-6', ...Array.from({ length: 10 }, (_, n) => `app-6${n}`)];
		expect([...found].sort()).toEqual(
			names.flatMap((name) => [`mine/${name}`, `public/${name}`]).sort(),
		);
		const { results } = await search('  image-resize ');
		expect(results.map(({ value }) => value)).toContain('infsh/image-resize');
	});

	it('shows title, reference and what the app is about', async () => {
		const { results } = await search('mine/app-1');
		expect(results.find(({ value }) => value === 'mine/app-1')).toEqual({
			name: 'Number 1 (mine/app-1)',
			value: 'mine/app-1',
			url: 'https://app.inference.sh/apps/mine/app-1',
			description: 'other · The 1th of many',
		});
		expect(results.find(({ value }) => value === 'mine/app-10')?.name).toContain('mine/app-10');
	});

	it('is empty if nothing is found', async () => {
		expect(await search('no such app anywhere')).toEqual({ results: [] });
	});

	it('lists the own apps even if there is no store', async () => {
		sandbox().fault({
			on: 'POST /store/apps/list',
			kind: 'status',
			status: 404,
			body: { detail: 'no route' },
			times: 99,
		});
		const listed = refs(await allPages());
		expect([...listed].sort()).toEqual(
			sandbox()
				.apps()
				.filter((ref) => /^(sandbox|mine)\//.test(ref))
				.sort(),
		);
	});

	it('tries again when the service stumbles', async () => {
		sandbox().fault({ on: 'POST /apps/list', kind: 'status', status: 503 });
		expect((await search('echo')).results[0]?.value).toBe('sandbox/echo');
	});

	it('says why nothing can be listed', async () => {
		const error = await rejection(
			search(undefined, undefined, { ...credentialsOf(sandbox()), apiKey: 'inf_wrong_key' }),
		);
		expect(error).toBeInstanceOf(NodeApiError);
		expect(error).toMatchObject({
			message: expect.stringContaining('does not accept the API key') as string,
			description: 'Check the API key in the Inference.sh credential.',
			httpCode: '401',
		});
		expect(JSON.stringify(error)).not.toContain('inf_wrong_key');
	});

	it('says that the credential is unusable', async () => {
		const error = await rejection(
			search(undefined, undefined, { ...credentialsOf(sandbox()), apiKey: '' }),
		);
		expect(error).toBeInstanceOf(NodeOperationError);
		expect(error).toHaveProperty('message', 'The Inference.sh credential has no API key');
	});

	it('says that the answer is not a list', async () => {
		sandbox().fault({ on: 'POST /apps/list', kind: 'body', body: '<html>', times: 9 });
		const error = await rejection(search());
		expect(error).toBeInstanceOf(NodeApiError);
		expect(error).toMatchObject({
			message: `The apps cannot be listed: What answers at ${sandbox().url} is not inference.sh. It sent a web page (HTTP 200)`,
			description: expect.stringMatching(/^Correct "Base URL"/) as string,
		});
	});

	it('says what helps where it does: the key lacks a scope, or the service is down', async () => {
		sandbox().fault({ on: 'POST /apps/list', kind: 'status', status: 403, times: 9 });
		expect(await rejection(search())).toMatchObject({
			message: expect.stringContaining('The API key may not do this') as string,
			description: expect.stringMatching(
				/apps:read\b.* You can still enter it by hand\.$/,
			) as string,
		});
		sandbox().clearFaults();
		sandbox().fault({ on: 'POST /apps/list', kind: 'status', status: 500, times: 9 });
		expect(await rejection(search())).toMatchObject({
			description: 'You can still enter it by hand, or try again later.',
		});
	});

	it('changes nothing at the service', async () => {
		await allPages();
		expect(sandbox().tasks()).toEqual([]);
		expect(sandbox().requests.every(({ path }) => path.endsWith('/apps/list'))).toBe(true);
	});
});
