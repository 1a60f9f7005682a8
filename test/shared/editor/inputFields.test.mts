/** The forms and pickers that the service's schemas fill in the editor. */
import type {
	IDataObject,
	INodeListSearchResult,
	INodeParameters,
	ResourceMapperField,
} from 'n8n-workflow';
import { NodeHelpers } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { Batch } from '../../../nodes/Batch/Batch.node.ts';
import { RunApp } from '../../../nodes/RunApp/RunApp.node.ts';
import { StreamTask } from '../../../nodes/StreamTask/StreamTask.node.ts';
import { startSandbox } from '../../sandbox/index.mts';
import { loadOptionsContext } from '../../engine/engine.mts';
import { filledIn, formOf, STUDIO } from '../formSupport.mts';
import { appRef, credentialsOf, jsonOf, runApp, useSandbox } from '../../engine/support.mts';

const sandbox = useSandbox({
	apps: [
		{
			namespace: 'forms',
			name: 'plain',
			title: '',
			description: '',
			category: 'other',
			functions: {
				run: { input: { properties: { a: { title: 'A' }, b: {}, c_d: {} } }, output: {} },
				empty: { input: { type: 'object' }, output: {} },
				compare: {
					input: { properties: { operator: { enum: ['==', '!='], default: '==' } } },
					output: {},
				},
			},
			run: (job) => job.finish(job.input),
		},
	],
});
const node = new RunApp();

/** An app that other tests know nothing of: what is known of apps is shared by all of them. */
async function fresh<T>(job: (own: Awaited<ReturnType<typeof startSandbox>>) => Promise<T>) {
	const own = await startSandbox();
	try {
		return await job(own);
	} finally {
		await own.close();
	}
}

const chosen = (app: string, options: INodeParameters = {}): INodeParameters => ({
	app: appRef(app),
	options,
});
const picked = (value: string): INodeParameters => ({ __rl: true, mode: 'list', value });
const byId = (fields: readonly ResourceMapperField[], id: string) =>
	fields.find((field) => field.id === id);

describe('the input form', () => {
	it('has a field for each input, those that matter shown', async () => {
		const { fields } = await formOf(sandbox(), chosen(STUDIO));
		expect(fields.filter(({ removed }) => !removed).map(({ id }) => id)).toEqual([
			'mood',
			'prompt',
			'source',
		]);
		expect(fields.filter(({ required }) => required).map(({ id }) => id)).toEqual([
			'prompt',
			'source',
		]);
		expect(fields).toHaveLength(18);
		expect(fields.every(({ display }) => display)).toBe(true);
	});

	it.each<[id: string, field: Partial<ResourceMapperField>]>([
		['prompt', { displayName: 'Prompt', type: 'string' }],
		['seed', { displayName: 'Seed (0–2147483647)', type: 'number' }],
		['scale', { type: 'number', defaultValue: 1.5 }],
		['sharp', { type: 'boolean', defaultValue: true }],
		['source', { displayName: 'Source Image (Input Data Field Name or URL)', type: 'string' }],
		['mask', { displayName: 'Mask (Input Data Field Name or URL)', type: 'string' }],
		['references', { displayName: 'References (Input Data Field Names or URLs)', type: 'string' }],
		[
			'style',
			{
				displayName: 'Style',
				type: 'options',
				defaultValue: 'oil',
				options: ['oil', 'ink', 'chalk'].map((value) => ({ name: value, value })),
			},
		],
		[
			'steps',
			{
				displayName: 'Step Count',
				type: 'options',
				options: [4, 8, 16].map((value) => ({ name: String(value), value })),
			},
		],
		['tags', { type: 'array', defaultValue: '[]' }],
		['points', { type: 'array' }],
		['extra', { type: 'object' }],
		['urls', { displayName: 'Urls', type: 'string' }],
		['anything', { type: 'string' }],
	])('shows %s as n8n can show it', async (id, expected) => {
		const { fields } = await formOf(sandbox(), chosen(STUDIO));
		expect(byId(fields, id)).toMatchObject(expected);
		if (!('defaultValue' in expected)) expect(byId(fields, id)).not.toHaveProperty('defaultValue');
	});

	it('has defaults that n8n itself accepts', async () => {
		const { fields } = await formOf(sandbox(), chosen(STUDIO));
		const all = fields.map((field) => ({ ...field, removed: false }));
		const values = { prompt: 'a boat', source: 'data' };
		const parameters = { ...chosen(STUDIO), ...filledIn(values, all) };
		const { properties } = node.description;
		const issues = NodeHelpers.getNodeParametersIssues(
			properties,
			{ id: '1', name: 'n', type: 't', typeVersion: 1, position: [0, 0], parameters },
			node.description,
		);
		expect(issues).toBeNull();
	});

	it('shows something even if nothing matters more than the rest', async () => {
		const { fields } = await formOf(sandbox(), chosen('forms/plain'));
		expect(fields.map(({ displayName, removed }) => [displayName, removed])).toEqual([
			['A', false],
			['B', false],
			['C D', false],
		]);
	});

	it('has choices that n8n would take for expressions, and they leave as they are', async () => {
		const app = 'forms/plain:compare';
		const { fields } = await formOf(sandbox(), chosen(app));
		expect(fields[0]?.options).toEqual([
			{ name: '==', value: ' ==' },
			{ name: '!=', value: '!=' },
		]);
		const run = await runApp(sandbox(), { app, parameters: filledIn({}, fields) });
		expect(jsonOf(run)[0]?.['output']).toEqual({ operator: '==' });
	});

	it('is that of the function', async () => {
		const ids = ['script', 'recording', 'speed'];
		for (const parameters of [
			chosen(`${STUDIO}:speak`),
			chosen(STUDIO, { function: 'speak' }),
			chosen(`${STUDIO}:run`, { function: picked('speak') }),
		]) {
			const { fields } = await formOf(sandbox(), parameters);
			expect(fields.map(({ id }) => id).slice(0, 3)).toEqual(ids);
			// One of the two is required.
			expect(fields.map(({ removed }) => removed).slice(0, 3)).toEqual([false, false, true]);
		}
	});

	it('is that of the version', async () => {
		const [current, older] = (await search('searchVersions', chosen(STUDIO))).results;
		for (const parameters of [
			chosen(`${STUDIO}@${String(older?.value)}`),
			chosen(`${STUDIO}@${String(current?.value)}`, { version: picked(String(older?.value)) }),
		]) {
			const { fields } = await formOf(sandbox(), parameters);
			expect(fields.map(({ id }) => id)).toEqual(['words']);
		}
	});

	it.each<[what: string, parameters: INodeParameters, notice: string]>([
		['no app is chosen', chosen(''), 'Choose an app to see its inputs here.'],
		['the app is different for each item', { app: null, options: null }, 'Choose an app'],
		['the app is no reference', chosen('what is this'), 'Choose an app'],
		[
			'there is no such function',
			chosen(STUDIO, { function: 'sing' }),
			'sandbox/studio has no function "sing". Its functions: run, speak.',
		],
		[
			'the function cannot be called',
			chosen(`${STUDIO}:live`),
			'sandbox/studio has a function "live", but it talks through a socket and cannot be called from here. Its functions: run, speak.',
		],
		['the app takes nothing', chosen('forms/plain:empty'), 'forms/plain has no inputs.'],
		['there is no such app', chosen('sandbox/studyo'), 'did you mean sandbox/studio'],
	])('says so if %s', async (_what, parameters, notice) => {
		const { fields, emptyFieldsNotice } = await formOf(sandbox(), parameters);
		expect(fields).toEqual([]);
		expect(emptyFieldsNotice).toContain(notice);
	});

	it('says why it cannot be loaded, and what to do instead', async () => {
		await fresh(async (own) => {
			own.fault({ on: 'GET /apps/*', kind: 'status', status: 500, times: 9 });
			const { fields, emptyFieldsNotice } = await formOf(own, chosen(STUDIO));
			expect(fields).toEqual([]);
			expect(emptyFieldsNotice).toContain('The inputs of sandbox/studio cannot be loaded:');
			expect(emptyFieldsNotice).toContain('HTTP 500');
			expect(emptyFieldsNotice).toMatch(
				/\. Set "App Input" to "JSON" to write them by hand, or try again later\.$/,
			);
		});
		const wrongKey = { url: sandbox().url, apiKey: 'inf_wrong_key' };
		const { emptyFieldsNotice } = await formOf(wrongKey, chosen(STUDIO));
		expect(emptyFieldsNotice).toContain('does not accept the API key');
		expect(emptyFieldsNotice).not.toContain('inf_wrong_key');
	});

	it.each<[what: string, fault: object, notice: RegExp]>([
		[
			'there is no such app any more',
			{ status: 404, body: { detail: "app 'sandbox/studio' not found" } },
			/There is no such app or version, or this API key cannot see it: .*\. Check the reference/,
		],
		[
			'the plan does not allow it',
			{ status: 402, body: { detail: 'Balance used up.' } },
			/does not allow this: Balance used up\. Check the balance/,
		],
		['the key is refused', { status: 401 }, /does not accept the API key.* Check the API key in/],
		[
			'the app is retired',
			{ status: 410, body: { code: 'app_retired', detail: 'gone' } },
			/The app has been retired: gone\. It will not come back\. Choose another app\.$/,
		],
		[
			'the address is another one',
			{ status: 404, body: '<title>Shop</title>' },
			/is not inference\.sh\. It sent a web page \(HTTP 404\): "Shop"\. Correct "Base URL"/,
		],
	])('says what is so, and nothing of JSON, if %s', async (_what, fault, notice) => {
		await fresh(async (own) => {
			own.fault({ on: 'GET /apps/*', kind: 'status', status: 400, ...fault, times: 9 });
			const { emptyFieldsNotice } = await formOf(own, chosen(STUDIO));
			expect(emptyFieldsNotice).toMatch(notice);
			expect(emptyFieldsNotice).not.toContain('JSON');
		});
	});

	it('loses nothing that has been filled in if it cannot be loaded again', async () => {
		const { fields } = await formOf(sandbox(), chosen(STUDIO));
		const saved = filledIn({ prompt: 'a boat' }, fields);
		await fresh(async (own) => {
			own.fault({ on: 'GET /apps/*', kind: 'status', status: 500, times: 9 });
			const again = await formOf(own, { ...chosen(STUDIO), ...saved });
			expect(again.fields).toEqual(fields);
		});
	});

	it('is loaded once for all nodes', async () => {
		await fresh(async (own) => {
			for (const type of [new RunApp(), new Batch(), new StreamTask()]) {
				const context = loadOptionsContext({
					node: type,
					parameters: chosen(STUDIO),
					credentials: credentialsOf(own),
				});
				const { getInputFields } = type.methods.resourceMapping;
				expect((await getInputFields.call(context)).fields).toHaveLength(18);
			}
			expect(own.requests).toHaveLength(1);
		});
	});
});

describe('setup parameters', () => {
	it('are in the form, after the inputs, behind "Add field"', async () => {
		const { fields } = await formOf(sandbox(), chosen(`${STUDIO}:speak`));
		expect(fields.slice(3)).toEqual([
			expect.objectContaining({
				id: 'setup:model',
				displayName: 'Setup: Model',
				type: 'options',
				defaultValue: 'small',
				removed: true,
			}),
			expect.objectContaining({
				id: 'setup:layers',
				displayName: 'Setup: Layers (1–48)',
				type: 'number',
				removed: true,
			}),
		]);
	});
});

type Picker = keyof typeof node.methods.listSearch;

async function search(
	picker: Picker,
	parameters: INodeParameters,
	filter?: string,
	credentials: IDataObject = credentialsOf(sandbox()),
): Promise<INodeListSearchResult> {
	const context = loadOptionsContext({ node, parameters, credentials });
	return await node.methods.listSearch[picker].call(context, filter);
}

const values = ({ results }: INodeListSearchResult) => results.map(({ value }) => value);

describe('the function picker', () => {
	it('lists what can be called over HTTP, with the default one', async () => {
		expect(await search('searchFunctions', chosen(STUDIO))).toEqual({
			results: [
				{ name: 'run (default)', value: 'run' },
				{
					name: 'speak',
					value: 'speak',
					description: 'Says something, from a text or a recording',
				},
			],
		});
		expect(values(await search('searchFunctions', chosen(STUDIO), ' SPE'))).toEqual(['speak']);
	});

	it('is empty without an app, and says why nothing can be listed', async () => {
		expect(await search('searchFunctions', chosen(''))).toEqual({ results: [] });
		await expect(search('searchFunctions', chosen('sandbox/none'))).rejects.toThrow(
			/^The functions cannot be listed: .*not found/,
		);
	});
});

describe('the version picker', () => {
	it('lists the versions, newest first', async () => {
		const { results } = await search('searchVersions', chosen(`${STUDIO}:speak`));
		expect(results).toHaveLength(2);
		expect(results[0]?.name).toMatch(/^\w{8} \(current\)$/);
		expect(results[1]?.name).toMatch(/^\w{8}$/);
		expect(results[1]).toHaveProperty('description', expect.stringMatching(/^20\d\d-/));
		const older = String(results[1]?.value);
		expect(values(await search('searchVersions', chosen(`${STUDIO}@${older}`), older))).toEqual([
			older,
		]);
	});

	it('is empty without an app, and says why nothing can be listed', async () => {
		expect(await search('searchVersions', chosen(''))).toEqual({ results: [] });
		await expect(search('searchVersions', chosen('sandbox/none'))).rejects.toThrow(
			/^The versions cannot be listed: /,
		);
	});
});

describe('the session picker', () => {
	const start = async (app: string) => {
		const run = await runApp(sandbox(), { app, items: [{}], options: { session: 'new' } });
		return String(run.output('Node')[0]?.json['session_id']);
	};

	it('lists a new one, and those of the app that are alive', async () => {
		const [mine, ended] = [await start('sandbox/counter'), await start('sandbox/counter')];
		const other = await start('sandbox/echo');
		sandbox().setSession(ended, 'ended');
		const { results } = await search('searchSessions', chosen('sandbox/counter'));
		expect(results).toEqual([
			{ name: 'New Session', value: 'new' },
			{ name: mine, value: mine, description: expect.stringMatching(/^1 calls, until /) as string },
		]);
		expect(values(await search('searchSessions', chosen('')))).toEqual(
			expect.arrayContaining([mine, other]),
		);
		expect(values(await search('searchSessions', chosen('sandbox/none')))).toContain(other);
		expect(values(await search('searchSessions', chosen(''), mine))).toEqual([mine]);
	});

	it('says why nothing can be listed', async () => {
		sandbox().fault({ on: 'GET /sessions', kind: 'status', status: 500, times: 9 });
		await expect(search('searchSessions', chosen(STUDIO))).rejects.toThrow(
			/^The sessions cannot be listed: /,
		);
	});
});
