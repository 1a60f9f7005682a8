/** Forms that have been filled in: what leaves, and what is refused before anything does. */
import type { IDataObject, INodeParameters } from 'n8n-workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { RunHints } from '../../../nodes/shared/run/hints.ts';
import { makeClient } from '../../client/support.mts';
import { startSandbox, type Sandbox } from '../../sandbox/index.mts';
import { FROM_LIST, resultOf, runBatch } from '../../nodes/Batch/support.mts';
import { NODE_NAME, useFileBinaryData, type EngineRun } from '../../engine/engine.mts';
import { inMemory, sha256 } from '../files/support.mts';
import { filledIn, filledInEditor, formOf, STUDIO } from '../formSupport.mts';
import {
	clock,
	meanwhile,
	appRef,
	jsonOf,
	objectIn,
	runApp,
	spyOnParameters,
	submissions,
	type RunAppOptions,
	useSandbox,
} from '../../engine/support.mts';
import { until } from '../../until.mts';
import { streamTask } from '../../nodes/StreamTask/support.mts';
import { AppForms } from '../../../nodes/shared/run/appForms.ts';

const sandbox = useSandbox();
beforeAll(async () => await useFileBinaryData());

const REQUIRED = { prompt: 'a boat', source: 'https://files.example/boat.png' };
const inputs = (of: Sandbox = sandbox()) =>
	submissions(of).map(({ input }) => input as IDataObject);

/** The input that a form makes. */
async function inputOf(
	values: IDataObject,
	options: RunAppOptions = {},
): Promise<IDataObject | undefined> {
	const { parameters, ...rest } = options;
	const form = await filledInEditor(sandbox(), options.app ?? STUDIO, values);
	sandbox().reset();
	const run = await runApp(sandbox(), {
		app: STUDIO,
		...rest,
		parameters: { ...form, ...parameters },
	});
	expect(run.error).toBeUndefined();
	expect(run.hints(NODE_NAME)).toEqual([]);
	return inputs()[0];
}

/** The error of a form that is refused. Its values come from expressions: n8n checks only others. */
async function refusal(values: IDataObject, options: RunAppOptions = {}): Promise<string> {
	const asExpressions = Object.fromEntries(
		Object.keys(values).map((id) => [id, `={{ $json.${id} }}`]),
	);
	const run = await runApp(sandbox(), {
		app: STUDIO,
		items: [values],
		onError: 'continueRegularOutput',
		...options,
		parameters: filledIn(asExpressions),
	});
	expect(jsonOf(run)).toHaveLength(1);
	const { error, details } = jsonOf(run)[0] ?? {};
	expect(details).toEqual({ code: 'invalid_parameter', item_index: 0 });
	expect(submissions(sandbox())).toEqual([]);
	expect(sandbox().files()).toEqual([]);
	return String(error);
}

describe('a form', () => {
	it('sends the defaults that it shows and what has been filled in, nothing else', async () => {
		expect(await inputOf({ ...REQUIRED, mood: null, seed: '' })).toEqual(REQUIRED);
	});

	it('sends every kind of value exactly typed', async () => {
		const input = await inputOf({
			...REQUIRED,
			seed: 0,
			style: 'ink',
			steps: 8,
			mood: 'calm',
			scale: 0.5,
			sharp: false,
			mask: 'inf://mask',
			references: 'https://a.example/1, https://a.example/2',
			tags: '["a", "b"]',
			sizes: '[1, 2]',
			points: '[{"x": 1, "y": 2}]',
			extra: '{"deep": {"er": [true, null]}}',
			urls: '["https://a.example/"]',
			anything: '7',
		});
		expect(input).toEqual({
			...REQUIRED,
			seed: 0,
			style: 'ink',
			steps: 8,
			mood: 'calm',
			scale: 0.5,
			sharp: false,
			mask: 'inf://mask',
			references: ['https://a.example/1', 'https://a.example/2'],
			tags: ['a', 'b'],
			sizes: [1, 2],
			points: [{ x: 1, y: 2 }],
			extra: { deep: { er: [true, null] } },
			urls: ['https://a.example/'],
			anything: 7,
		});
	});

	it('gives the values of expressions the types of their fields', async () => {
		const items = [
			{
				prompt: 12345,
				seed: '17',
				steps: '16',
				sharp: 'false',
				scale: '2.5',
				sizes: ['3', 4],
				points: [{ x: '1', y: 2 }],
				anything: '7',
				extra: '{"a":1}',
				source: { uri: 'inf://source', path: '/tmp/x' },
				tags: [],
				style: '',
				mood: null,
			},
		];
		const ids = Object.keys({ ...items[0], missing: 0 });
		const values = Object.fromEntries(ids.map((id) => [id, `={{ $json.${id} }}`]));
		expect(await inputOf({ ...values, urls: '=text with {{ $json.seed }}' }, { items })).toEqual({
			prompt: '12345',
			seed: 17,
			steps: 16,
			sharp: false,
			scale: 2.5,
			sizes: [3, 4],
			points: [{ x: 1, y: 2 }],
			anything: '7',
			extra: { a: 1 },
			tags: [],
			source: 'inf://source',
			urls: 'text with 17',
		});
	});

	it('is read for each item, in each of its fields', async () => {
		const read: number[] = [];
		const form = await filledInEditor(sandbox(), STUDIO, {
			...REQUIRED,
			prompt: '=boat {{ $json.n }}',
		});
		sandbox().reset();
		await runApp(sandbox(), {
			app: STUDIO,
			items: [{ n: 1 }, { n: 2 }, { n: 3 }],
			parameters: form,
			adjustContext: spyOnParameters('fields.value["prompt"]', (item) => read.push(item)),
		});
		expect(read).toEqual([0, 1, 2]);
		const prompts = inputs().map(({ prompt }) => prompt);
		expect([...prompts].sort()).toEqual(['boat 1', 'boat 2', 'boat 3']);
	});

	it('may be given by one expression', async () => {
		const values = { prompt: 'from the item', source: 'inf://a', seed: '5' };
		const parameters: INodeParameters = {
			inputMode: 'fields',
			fields: { mappingMode: 'defineBelow', schema: [], value: '={{ $json }}' },
		};
		await runApp(sandbox(), { app: STUDIO, items: [values], parameters });
		expect(inputs()).toEqual([{ ...values, seed: 5 }]);
	});

	it('names the field whose expression fails', async () => {
		const run = await runApp(sandbox(), {
			app: STUDIO,
			parameters: filledIn({ ...REQUIRED, seed: "={{ $('Nowhere').item.json.seed }}" }),
		});
		expect(run.error?.message).toContain('Parameter "Seed (0–2147483647)" cannot be read');
		expect(run.error?.message).toContain('[item 0]');
		expect(run.error?.message).toContain("$('Nowhere')");
	});

	it('lets fields pass that the schema does not have', async () => {
		const values = { ...REQUIRED, 'my.odd "field"': 'x', '': 1 };
		await runApp(sandbox(), { app: STUDIO, parameters: filledIn(values) });
		await runApp(sandbox(), {
			app: STUDIO,
			parameters: filledIn({ ...REQUIRED, 'my.field': '={{ "y" }}' }),
		});
		expect(inputs()).toEqual([values, { ...REQUIRED, 'my.field': 'y' }]);
	});

	it('is that of the function and version that run', async () => {
		const speak = await inputOf({ script: 'hello', speed: '2' }, { app: `${STUDIO}:speak` });
		expect(speak).toEqual({ script: 'hello', speed: 2 });
		const picked: INodeParameters = { __rl: true, mode: 'list', value: 'speak' };
		await runApp(sandbox(), {
			app: `${STUDIO}:run`,
			parameters: filledIn({ script: 'hello', speed: '3' }),
			options: { function: picked },
		});
		expect(submissions(sandbox()).at(-1)).toMatchObject({
			app: STUDIO,
			function: 'speak',
			input: { script: 'hello', speed: 3 },
		});
	});

	it('may be of another app for each item', async () => {
		const run = await runApp(sandbox(), {
			app: '={{ $json.app }}',
			items: [
				{ app: STUDIO, prompt: 'a boat', source: 'inf://a' },
				{ app: `${STUDIO}:speak`, script: 'hi' },
				{ app: 'sandbox/instant', text: 'x' },
			],
			parameters: filledIn({
				prompt: '={{ $json.prompt }}',
				source: '={{ $json.source }}',
				script: '={{ $json.script }}',
				text: '={{ $json.text }}',
			}),
		});
		expect(run.error).toBeUndefined();
		expect(inputs()).toHaveLength(3);
		expect(inputs()).toEqual(
			expect.arrayContaining([
				{ prompt: 'a boat', source: 'inf://a' },
				{ script: 'hi' },
				{ text: 'x' },
			]),
		);
	});

	it('works in Batch and Stream Task', async () => {
		const form = filledIn({ prompt: '={{ $json.p }}', source: 'inf://a', seed: '1' });
		const items = [{ p: 'boat one' }, { p: 'x' }];
		const batch = resultOf(await runBatch(sandbox(), { app: STUDIO, parameters: form, items }));
		expect(batch.succeeded).toHaveLength(1);
		expect(objectIn(batch.failed[0]?.json, 'error')['message']).toContain('Parameter "Prompt"');
		const streamed = await streamTask(sandbox(), {
			app: STUDIO,
			parameters: form,
			items: [{ p: 'boat two' }],
		});
		expect(streamed.error).toBeUndefined();
		expect(inputs()).toEqual([
			{ prompt: 'boat one', source: 'inf://a', seed: 1 },
			{ prompt: 'boat two', source: 'inf://a', seed: 1 },
		]);
	});

	it('has no say in Batch over a list', async () => {
		const run = await runBatch(sandbox(), {
			app: STUDIO,
			parameters: { ...filledIn({ prompt: 'form' }), ...FROM_LIST },
			items: [{ rows: [{ prompt: 'list', source: 'inf://a' }] }],
		});
		expect(resultOf(run).succeeded).toHaveLength(1);
		expect(inputs()).toEqual([{ prompt: 'list', source: 'inf://a' }]);
	});
});

describe('a value that does not fit is refused before anything is sent', () => {
	it.each<[values: IDataObject, error: string]>([
		[{ prompt: 'ab' }, 'Parameter "Prompt" must be text with a length ≥ 3 and ≤ 40, but is "ab"'],
		[{ prompt: { a: 1 } }, 'Parameter "Prompt" must be text, but is {"a":1}'],
		[{ prompt: '' }, 'Parameter "Prompt" is empty, but the app requires it'],
		[{ source: null }, 'Parameter "Source Image (Input Data Field Name or URL)" is empty'],
		[
			{ seed: -1 },
			'Parameter "Seed (0–2147483647)" must be a whole number ≥ 0 and ≤ 2147483647, but is -1',
		],
		[{ seed: 1.5 }, 'but is 1.5'],
		[
			{ seed: 'many' },
			'Parameter "Seed (0–2147483647)" must be a whole number ≥ 0 and ≤ 2147483647, but is "many"',
		],
		[{ scale: 0 }, 'Parameter "Scale (above 0, up to 10)" must be a number > 0 and ≤ 10, but is 0'],
		[{ style: 'wax' }, 'Parameter "Style" must be one of oil, ink, chalk, but is "wax"'],
		[{ steps: 5 }, 'Parameter "Step Count" must be one of 4, 8, 16, but is 5'],
		[{ sharp: 'very' }, 'Parameter "Sharp" must be true or false, but is "very"'],
		[{ tags: 'a, b' }, 'Parameter "Tags" must be a JSON array, but is "a, b"'],
		[{ sizes: [1] }, 'Parameter "Sizes" must have a number of elements ≥ 2, but is [1]'],
		[
			{ points: [{ x: 1 }] },
			'Parameter "Points" has an element 0 that must be a JSON object with y',
		],
		[{ extra: 'text' }, 'Parameter "Extra" must be a JSON object, but is "text"'],
		[
			{ mask: 'data' },
			'Parameter "Mask (Input Data Field Name or URL)" must be a URL, or the name of a binary field of the item (which has none), but is "data"',
		],
		[{ references: ['inf://1', 'inf://2', 'inf://3', 'inf://4'] }, 'number of elements ≤ 3'],
	])('%j', async (values, error) => {
		const message = await refusal({ ...REQUIRED, ...values });
		expect(message).toContain(error);
		expect(message).toMatch(/ \[item 0\]$/);
	});

	it('names the item', async () => {
		const run = await runApp(sandbox(), {
			app: STUDIO,
			items: [{ seed: 1 }, { seed: -1 }, { seed: 3 }],
			parameters: filledIn({ ...REQUIRED, seed: '={{ $json.seed }}' }),
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run).map(({ status }) => status)).toEqual(['completed', undefined, 'completed']);
		expect(jsonOf(run)[1]).toMatchObject({
			error: expect.stringContaining('but is -1 [item 1]') as string,
			details: { item_index: 1 },
		});
	});

	it('shows no more than the beginning of a long value', async () => {
		const message = await refusal({ ...REQUIRED, prompt: 'x'.repeat(5_000) });
		expect(message.length).toBeLessThan(400);
	});

	it('one of several fields that is required', async () => {
		expect(await refusal({ speed: 1 }, { app: `${STUDIO}:speak` })).toBe(
			'Parameter "Script" is empty, but the app requires Script, or Recording (Input Data Field Name or URL) [item 0]',
		);
	});

	it('a function that n8n cannot call', async () => {
		const message = await refusal({ audio: [] }, { app: `${STUDIO}:live` });
		expect(message).toContain(
			'Parameter "Task: Function" cannot be called: sandbox/studio has a function "live", but it talks through a socket',
		);
	});

	it('what is nested without end', async () => {
		const extra = `{"a": ${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
		expect(await refusal({ ...REQUIRED, extra })).toBe(
			'Parameter "Extra" is nested more than 1000 levels deep, or contains itself [item 0]',
		);
	});

	it('nothing is bought for an empty form', async () => {
		const parameters = { inputMode: 'fields', fields: { mappingMode: 'defineBelow', value: null } };
		const run = await runApp(sandbox(), { app: STUDIO, parameters });
		expect(run.error?.message).toContain('Parameter "Prompt" is empty');
		expect(submissions(sandbox())).toEqual([]);
	});
});

describe('a file field', () => {
	const bytes = Buffer.from('the bytes of a file');
	const items = (names: readonly string[]) => [
		{ json: {}, binary: Object.fromEntries(names.map((name) => [name, inMemory(bytes)])) },
	];
	const uris = () =>
		sandbox()
			.files()
			.map(({ uri }) => uri);

	it('takes the name of a binary field of the item', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/file-info',
			items: items(['photo']),
			parameters: filledIn({ file: 'photo' }),
		});
		expect(run.error).toBeUndefined();
		expect(objectIn(jsonOf(run)[0], 'output')).toMatchObject({ sha256: sha256(bytes) });
	});

	it('takes several, beside URLs, wherever a file may be', async () => {
		const other = { ...inMemory(Buffer.from('other')), fileName: 'other.png' };
		const [item] = items(['a', 'b']);
		const run = await runApp(sandbox(), {
			app: STUDIO,
			items: [{ json: {}, binary: { ...item?.binary, c: other } }],
			parameters: filledIn({
				prompt: 'a boat',
				source: 'a',
				mask: 'c',
				references: 'inf://x, b, c',
			}),
		});
		expect(run.error).toBeUndefined();
		const [first, second] = uris();
		expect(uris()).toHaveLength(2);
		const [input] = inputs();
		const same = input?.['source'];
		expect([first, second]).toContain(same);
		const another = same === first ? second : first;
		expect(input).toEqual({
			prompt: 'a boat',
			source: same,
			mask: another,
			references: ['inf://x', same, another],
		});
	});

	it('may be filled by Files From Binary Data in version 1 as well', async () => {
		const binaryFiles = { values: [{ field: 'source', binaryProperty: 'data' }] };
		await runApp(sandbox(), {
			app: STUDIO,
			items: items(['data']),
			parameters: { ...filledIn({ prompt: 'a boat' }), binaryFiles },
			nodeFields: { typeVersion: 1 },
		});
		expect(inputs()).toEqual([{ prompt: 'a boat', source: uris()[0] }]);
	});

	it('that names an empty file is refused with its name, and nothing is uploaded', async () => {
		const run = await runApp(sandbox(), {
			app: STUDIO,
			items: [{ json: {}, binary: { data: inMemory(Buffer.alloc(0)) } }],
			parameters: filledIn({ prompt: 'a boat', source: 'data' }),
		});
		expect(run.error?.message).toContain(
			'Parameter "Source Image (Input Data Field Name or URL)" needs a file',
		);
		expect(sandbox().files()).toEqual([]);
	});
});

describe('setup parameters', () => {
	const setupOf = async (values: IDataObject, options: INodeParameters = {}) => {
		const parameters = filledIn({ ...REQUIRED, ...values });
		const run = await runApp(sandbox(), { app: STUDIO, parameters, options });
		return { run, ...submissions(sandbox()).at(-1) } as IDataObject & { run: EngineRun };
	};

	it('leave apart from the input, exactly typed', async () => {
		const values = { 'setup:model': 'large', 'setup:layers': '12' };
		const { setup, input } = await setupOf(values);
		expect(setup).toEqual({ model: 'large', layers: 12 });
		expect(input).toEqual(REQUIRED);
	});

	it('go before those that are given as JSON', async () => {
		const { setup } = await setupOf(
			{ 'setup:layers': 2 },
			{ setup: '{"model":"small","layers":1}' },
		);
		expect(setup).toEqual({ model: 'small', layers: 2 });
	});

	it('are left out if there are none', async () => {
		expect((await setupOf({ 'setup:layers': null })).setup).toBeUndefined();
		expect((await setupOf({}, { setup: '{"model":"small"}' })).setup).toEqual({ model: 'small' });
	});

	it('that do not fit are refused', async () => {
		const { run } = await setupOf({ 'setup:layers': 49 });
		expect(run.error?.message).toContain(
			'Parameter "Setup: Layers (1–48)" must be a whole number ≥ 1 and ≤ 48, but is 49 [item 0]',
		);
		expect(submissions(sandbox())).toEqual([]);
	});
});

describe('the version', () => {
	it('may be picked, and the form is checked against it', async () => {
		const response = await fetch(`${sandbox().url}/apps/sandbox/studio`, {
			headers: { authorization: `Bearer ${sandbox().apiKey}` },
		});
		const { data } = (await response.json()) as { data: { id: string } };
		const list = await fetch(`${sandbox().url}/apps/${data.id}/versions/list`, {
			method: 'POST',
			headers: {
				authorization: `Bearer ${sandbox().apiKey}`,
				'content-type': 'application/json',
			},
			body: '{}',
		});
		const { items } = ((await list.json()) as { data: { items: Array<{ short_id: string }> } })
			.data;
		const version = items[1]?.short_id ?? '';
		const run = await runApp(sandbox(), {
			app: `${STUDIO}@latest`,
			parameters: filledIn({ words: 'old ones' }),
			options: { version: { __rl: true, mode: 'id', value: version } },
		});
		expect(run.error).toBeUndefined();
		expect(submissions(sandbox())[0]).toMatchObject({
			app: `${STUDIO}@${version}`,
			input: { words: 'old ones' },
		});
		expect(jsonOf(run)[0]?.['app']).toBe(`${STUDIO}@${version}`);
	});
});

describe('the session', () => {
	it('may be picked or typed', async () => {
		const first = await runApp(sandbox(), {
			app: 'sandbox/counter',
			options: { session: { __rl: true, mode: 'list', value: 'new' }, sessionTimeout: 30 },
		});
		const id = String(jsonOf(first)[0]?.['session_id']);
		for (const session of [id, { __rl: true, mode: 'id', value: `={{ "${id}" }}` }]) {
			const run = await runApp(sandbox(), { app: 'sandbox/counter', options: { session } });
			expect(jsonOf(run)[0]?.['session_id']).toBe(id);
		}
		expect(submissions(sandbox()).map(({ session_timeout: timeout }) => timeout)).toEqual([
			...[30, undefined, undefined],
		]);
	});
});

/** A service that other tests have asked nothing yet. */
async function withFresh(job: (own: Sandbox) => Promise<void>): Promise<void> {
	const own = await startSandbox();
	try {
		await job(own);
	} finally {
		await own.close();
	}
}

describe('the schema', () => {
	const form = filledIn({ ...REQUIRED, seed: '={{ $json.n }}' });
	const items = Array.from({ length: 50 }, (_, n) => ({ n }));
	const asked = (own: Sandbox) => own.count('GET', '/apps/sandbox/studio');

	it('is asked for once, and not at all where no form is filled in', async () => {
		await withFresh(async (own) => {
			await runApp(own, { app: STUDIO, items: [REQUIRED] });
			await runApp(own, {
				app: STUDIO,
				parameters: { inputMode: 'json', jsonInput: JSON.stringify(REQUIRED) },
			});
			expect(asked(own)).toBe(0);
			for (let n = 0; n < 2; n += 1) {
				const run = await runApp(own, { app: STUDIO, items, parameters: form });
				expect(jsonOf(run)).toHaveLength(50);
			}
			expect(asked(own)).toBe(1);
		});
	});

	it('that cannot be read keeps nothing from running, which a hint says', async () => {
		await withFresh(async (own) => {
			const { fields } = await formOf(own, { app: appRef(STUDIO), options: {} });
			await withFresh(async (broken) => {
				broken.fault({ on: 'GET /apps/*', kind: 'status', status: 500, times: 99 });
				const values = {
					prompt: 'x',
					source: 'data',
					seed: '={{ $json.seed }}',
					style: 'oil',
					tags: '["a"]',
					extra: '{"a": 1}',
					references: 'data, inf://b',
					sharp: false,
				};
				const run = await runApp(broken, {
					app: STUDIO,
					items: [{ json: { seed: '5' }, binary: { data: inMemory(Buffer.from('x')) } }],
					parameters: { ...filledIn(values, fields), maxRetries: 0 },
				});
				expect(run.error).toBeUndefined();
				expect(run.hints(NODE_NAME).map(({ message }) => message)).toEqual([
					expect.stringMatching(
						/^The schema of sandbox\/studio could not be read, so the values of the form were not checked: .*500/,
					),
				]);
				const uri = broken.files()[0]?.uri;
				expect(inputs(broken)).toEqual([
					{
						prompt: 'x',
						source: uri,
						seed: 5,
						style: 'oil',
						tags: ['a'],
						extra: { a: 1 },
						references: [uri, 'inf://b'],
						sharp: false,
						scale: undefined,
					},
				]);
			});
		});
	});

	it('is not needed by a form that the editor has never seen either', async () => {
		await withFresh(async (own) => {
			own.fault({ on: 'GET /apps/*', kind: 'status', status: 403, times: 99 });
			await runApp(own, { app: 'sandbox/echo', parameters: filledIn({ text: 'x', value: '5' }) });
			expect(inputs(own)).toEqual([{ text: 'x', value: '5' }]);
		});
	});

	it('that does not come is waited for until the execution is stopped', async () => {
		await withFresh(async (own) => {
			own.fault({ on: 'GET /apps/*', kind: 'hang', when: 'before', times: 99 });
			const run = await runApp(own, {
				app: STUDIO,
				parameters: form,
				items: [{ n: 1 }],
				cancelAfter: until(() => asked(own) > 0),
			});
			expect(run.status).toBe('canceled');
			expect(submissions(own)).toEqual([]);
		});
	});

	it('that does not come ends with the total timeout', async () => {
		await withFresh(async (own) => {
			own.fault({ on: 'GET /apps/*', kind: 'hang', when: 'before', times: 99 });
			const running = runApp(own, {
				app: STUDIO,
				parameters: form,
				items: [{ n: 1 }],
				options: { totalTimeout: 2 },
			});
			const run = await meanwhile(running, async () => {
				await until(() => asked(own) > 0);
				await clock.runOut(2_000);
			});
			expect(run.error?.message).toContain('Total Timeout');
			expect(submissions(own)).toEqual([]);
		});
	});

	it('that does not come is done without after a while', async () => {
		await withFresh(async (own) => {
			own.fault({ on: 'GET /apps/*', kind: 'hang', when: 'before', times: 99 });
			const said: string[] = [];
			const hints = Object.assign(new RunHints(), { say: (hint: string) => void said.push(hint) });
			const { signal } = new AbortController();
			const forms = new AppForms(makeClient(own), signal, hints, 100);
			const both = Promise.all([forms.form(STUDIO, undefined), forms.form(STUDIO, undefined)]);
			await until(() => own.count('GET', /^\/apps\//) > 0);
			await clock.runOut(100);
			const unreadable = { kind: 'unreadable' };
			expect(await both).toEqual([unreadable, unreadable]);
			expect(said).toEqual([expect.stringContaining('no answer within 0.1 s')]);
		});
	});

	it('of an app that there is not is no obstacle: the service says what is wrong', async () => {
		const run = await runApp(sandbox(), { app: 'sandbox/studyo', parameters: filledIn(REQUIRED) });
		expect(run.error?.message).toContain("'sandbox/studyo' not found");
	});

	it('knows the functions that there are', async () => {
		const app = `${STUDIO}:sing`;
		const run = await runApp(sandbox(), { app, parameters: filledIn(REQUIRED) });
		expect(run.error?.message).toContain(
			'Parameter "Task: Function" cannot be called: sandbox/studio has no function "sing". Its functions: run, speak.',
		);
		expect(submissions(sandbox())).toEqual([]);
	});
});
