/** What the editor gets for the pickers and the form of the workspace's node. */
import type {
	IDataObject,
	ILoadOptionsFunctions,
	INodeListSearchResult,
	INodeParameters,
} from 'n8n-workflow';
import { NodeApiError } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { InferenceSh } from '../../../nodes/InferenceSh/InferenceSh.node.ts';
import { loadOptionsContext, NODE_NAME } from '../../engine/engine.mts';
import { credentialsOf, useSandbox } from '../../engine/support.mts';
import { operate } from './support.mts';

const sandbox = useSandbox();
const node = new InferenceSh();

const editor = (
	parameters: INodeParameters = {},
	credentials: IDataObject = credentialsOf(sandbox()),
): ILoadOptionsFunctions => loadOptionsContext({ node, parameters, credentials });

type Search = (
	this: ILoadOptionsFunctions,
	filter?: string,
	token?: string,
) => Promise<INodeListSearchResult>;

/** All entries, as the editor loads them when somebody scrolls. */
async function allOf(search: Search, filter?: string) {
	const found: INodeListSearchResult['results'] = [];
	let token: string | undefined;
	for (let pages = 1; ; pages += 1) {
		const page = await search.call(editor(), filter, token);
		found.push(...page.results);
		token = page.paginationToken;
		if (token === undefined) return { found, pages };
		if (pages > 10) throw new Error('The pages never end');
	}
}

/** Uploads files with these names, one after the other. */
async function upload(names: readonly string[]): Promise<void> {
	const data = (text: string) => Buffer.from(text).toString('base64');
	const items = names.map((fileName) => ({
		json: {},
		binary: { data: { data: data(fileName), mimeType: 'text/plain', fileName } },
	}));
	const run = await operate(sandbox(), 'file.upload', { items, parameters: { concurrency: 1 } });
	expect(run.error).toBeUndefined();
}

const { searchFiles, searchFlows } = node.methods.listSearch;

describe('the flow picker', () => {
	it('has the flows by their titles, and gives their references', async () => {
		const { found } = await allOf(searchFlows);
		expect(found).toContainEqual({
			name: 'Make a Poster (sandbox/poster)',
			value: 'sandbox/poster',
			description: 'Makes a poster of a picture',
		});
		const values = found.map(({ value }) => value);
		expect(values).toEqual([...new Set(values)]);
	});

	it.each(['poster', ' Poster '])('finds them by words: %j', async (words) => {
		const { found } = await allOf(searchFlows, words);
		expect(found.map(({ value }) => value)).toEqual(['sandbox/poster']);
	});

	it('is empty where nothing fits', async () => {
		expect(await allOf(searchFlows, 'nothing like that')).toEqual({ found: [], pages: 1 });
	});
});

describe('the file picker', () => {
	it('has the files by their names, the newest first, page by page, each once', async () => {
		const names = Array.from({ length: 70 }, (_, n) => `file-${n}.txt`);
		await upload(names);
		const { found, pages } = await allOf(searchFiles);
		expect(pages).toBeGreaterThan(1);
		expect(found.map(({ name }) => name)).toEqual(names.toReversed());
		const ids = sandbox()
			.files()
			.map(({ id }) => id);
		expect(found.map(({ value }) => value)).toEqual(ids.toReversed());
		expect(found[0]?.description).toMatch(/^text\/plain · 20\d\d-/);
	});

	it('finds them by their names', async () => {
		await upload(['a.txt', 'b.txt']);
		const { found } = await allOf(searchFiles, ' b.txt ');
		expect(found.map(({ name }) => name)).toEqual(['b.txt']);
	});
});

describe.each([
	['flows', 'POST /flows/list', searchFlows],
	['files', 'POST /files/list', searchFiles],
] as const)('the picker of %s', (what, route, search) => {
	it.each([
		[401, 'API key'],
		[403, 'You can still enter it by hand'],
		[500, 'or try again later'],
	])('says why there is no list after HTTP %d', async (status, advice) => {
		sandbox().fault({ on: route, kind: 'status', status, times: 10 });
		const error: unknown = await search.call(editor()).then(
			() => undefined,
			(reason: unknown) => reason,
		);
		if (!(error instanceof NodeApiError)) throw new Error('It has been listed');
		expect(error.message).toContain(`The ${what} cannot be listed`);
		expect(`${error.message} ${error.description}`).toContain(advice);
	});
});

describe('the form of a flow', () => {
	const formOf = async (flow: string) =>
		await node.methods.resourceMapping.getFlowFields.call(
			editor({ flow: { __rl: true, mode: 'ref', value: flow } }),
		);

	it('has a field for each input, a file by the name of a binary field', async () => {
		const { fields } = await formOf('sandbox/poster');
		expect(fields).toMatchObject([
			{ id: 'picture', required: true, removed: false, type: 'string' },
			{ id: 'title', required: false, removed: true, type: 'string' },
		]);
		expect(fields[0]?.displayName).toMatch(/^Picture \(Input Data Field Name or URL\)$/);
	});

	it('is the same by the id of the flow', async () => {
		const flows = await operate(sandbox(), 'flow.get', { parameters: { flow: 'sandbox/greet' } });
		const [item] = flows.output(NODE_NAME);
		expect(await formOf(String(item?.json['id']))).toEqual(await formOf('sandbox/greet'));
	});

	it.each([
		['', 'Choose a flow to see its inputs here.'],
		['  ', 'Choose a flow to see its inputs here.'],
		['sandbox/gated', 'sandbox/gated has no inputs.'],
		['sandbox/nowhere', 'The inputs of sandbox/nowhere cannot be loaded: '],
		['..', 'The inputs of .. cannot be loaded: '],
	])('says why it is empty for %j', async (flow, notice) => {
		const { fields, emptyFieldsNotice } = await formOf(flow);
		expect(fields).toEqual([]);
		expect(emptyFieldsNotice).toContain(notice);
	});
});
