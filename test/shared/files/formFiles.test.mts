/** What a form requires and its file fields take. */
import type { IDataObject } from 'n8n-workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { RunApp } from '../../../nodes/RunApp/RunApp.node.ts';
import { useFileBinaryData } from '../../engine/engine.mts';
import {
	jsonOf,
	objectIn,
	runApp,
	submissions,
	useSandbox,
	type RunAppOptions,
} from '../../engine/support.mts';
import { filledIn, filledInEditor, STUDIO } from '../formSupport.mts';
import { binaryFiles, inMemory, inStorage, sha256 } from './support.mts';

const sandbox = useSandbox();
const bytes = Buffer.from('the bytes of a file');
const app = 'sandbox/file-info';

beforeAll(async () => await useFileBinaryData());

const hash = (run: Awaited<ReturnType<typeof runApp>>) =>
	objectIn(jsonOf(run)[0], 'output')['sha256'];
const KEPT = [
	['in storage', async () => await inStorage(bytes)],
	['in the item', async () => await Promise.resolve(inMemory(bytes))],
] as const;

describe('a field that the app requires', () => {
	const without = async (id: string, more: RunAppOptions = {}) => {
		const form = await filledInEditor(sandbox(), STUDIO, { prompt: 'a boat', source: 'inf://a' });
		const { value } = form['fields'] as unknown as { value: IDataObject };
		delete value[id];
		sandbox().reset();
		return await runApp(sandbox(), { app: STUDIO, parameters: form, ...more });
	};

	it.each(['prompt', 'source'])('%s: n8n blocks the run before anything is sent', async (id) => {
		const run = await without(id).catch((error: unknown) => error);
		expect(JSON.stringify(run, Object.getOwnPropertyNames(run))).toMatch(/issue|required/i);
		expect(sandbox().requests).toEqual([]);
	});

	it('is not asked for by n8n in version 1, whose files may come from elsewhere', async () => {
		const run = await without('source', {
			nodeFields: { typeVersion: 1 },
			items: [{ json: {}, binary: { data: inMemory(bytes) } }],
		});
		expect(run.error?.message).toContain('is empty, but the app requires it');
	});
});

describe.each(KEPT)('a file %s', (_where, keep) => {
	it.each(['photo', '={{ $binary.photo }}', "={{ $('Start').item.binary.photo }}"])(
		'goes into a field of the form: %s',
		async (value) => {
			const run = await runApp(sandbox(), {
				app,
				items: [
					{
						json: {},
						binary: { other: inMemory(Buffer.from('x'), 'other.png'), photo: await keep() },
					},
				],
				parameters: filledIn({ file: value }),
			});
			expect(run.error).toBeUndefined();
			expect(hash(run)).toBe(sha256(bytes));
		},
	);

	it('goes where Files From Binary Data says, by an expression, too', async () => {
		const run = await runApp(sandbox(), {
			app,
			items: [{ json: {}, binary: { photo: await keep() } }],
			parameters: binaryFiles({ file: '={{ $binary.photo }}' }),
		});
		expect(run.error).toBeUndefined();
		expect(hash(run)).toBe(sha256(bytes));
	});
});

it('several files come from an expression that gives a list', async () => {
	const run = await runApp(sandbox(), {
		app: STUDIO,
		items: [
			{ json: {}, binary: { a: inMemory(bytes), b: inMemory(Buffer.from('other'), 'b.png') } },
		],
		parameters: filledIn({
			prompt: 'a boat',
			source: 'a',
			references: '={{ [$binary.a, $binary.b, "inf://c"] }}',
		}),
	});
	expect(run.error).toBeUndefined();
	const uris = sandbox()
		.files()
		.map(({ uri }) => uri);
	const [input] = submissions(sandbox()).map((body) => objectIn(body, 'input'));
	expect(input?.['references']).toEqual([
		...['a', 'b'].map(() => expect.any(String) as string),
		'inf://c',
	]);
	expect(uris).toContain((input?.['references'] as string[])[1]);
});

describe('an expression that gives files', () => {
	const one = { json: {}, binary: { photo: inMemory(bytes) } };
	const two = { json: {}, binary: { photo: inMemory(bytes), scan: inMemory(bytes, 'b.png') } };
	const whole = ['={{ $binary }}', '={{ $input.item.binary }}', '={{ Object.values($binary) }}'];

	it.each([...whole, '={{ [$binary.photo] }}'])('gives the only one: %s', async (value) => {
		for (const parameters of [filledIn({ file: value }), binaryFiles({ file: value })]) {
			const run = await runApp(sandbox(), { app, items: [one], parameters });
			expect(run.error).toBeUndefined();
			expect(hash(run)).toBe(sha256(bytes));
		}
	});

	it.each(whole)('gives all of them to a list: %s', async (references) => {
		const parameters = filledIn({ prompt: 'a boat', source: 'photo', references });
		const run = await runApp(sandbox(), { app: STUDIO, items: [two], parameters });
		expect(run.error).toBeUndefined();
		const [sent] = submissions(sandbox()).map((body) => objectIn(body, 'input'));
		expect(sent?.['references']).toHaveLength(2);
	});

	it.each(whole)('does not guess which one is meant: %s', async (value) => {
		const form = await runApp(sandbox(), {
			app,
			items: [two],
			parameters: filledIn({ file: value }),
		});
		expect(form.error?.message).toContain(
			'(which has photo, scan), or an expression that gives one file, but is ',
		);
		const list = await runApp(sandbox(), {
			app,
			items: [two],
			parameters: binaryFiles({ file: value }),
		});
		expect(list.error?.message).toContain('must give one file, but gives 2');
		expect(submissions(sandbox())).toEqual([]);
	});

	it('and gives none, says which there are', async () => {
		const nothing = '={{ $binary.foto }}';
		for (const parameters of [filledIn({ file: nothing }), binaryFiles({ file: nothing })]) {
			const run = await runApp(sandbox(), { app, items: [two], parameters });
			expect(run.error?.message).toContain('is empty');
			expect(run.error?.description).toContain('The item has the binary fields photo, scan.');
		}
	});
});

it('a file that cannot be told from another one is not guessed', async () => {
	const run = await runApp(sandbox(), {
		app,
		items: [{ json: {}, binary: { a: inMemory(bytes), b: inMemory(Buffer.from('other')) } }],
		parameters: filledIn({ file: '={{ $binary.a }}' }),
	});
	expect(run.error?.message).toContain('no binary field like the given one');
	expect(run.error?.description).toContain('a, b');
	expect(submissions(sandbox())).toEqual([]);
});

it('a wrong name is refused with those that there are, before anything is sent', async () => {
	const run = await runApp(sandbox(), {
		app,
		items: [{ json: {}, binary: { photo: inMemory(bytes), scan: inMemory(bytes) } }],
		parameters: filledIn({ file: 'foto' }),
	});
	expect(run.error?.message).toContain('a binary field of the item (which has photo, scan)');
	expect(submissions(sandbox())).toEqual([]);
});

it('Files From Binary Data belongs to JSON and Incoming Item only', () => {
	const places = new RunApp().description.properties
		.filter(({ name }) => name === 'binaryFiles')
		.map(({ displayOptions }) => displayOptions?.show);
	expect(places).toEqual([
		{ '@version': [1] },
		{ '@version': [{ _cnd: { gte: 2 } }], inputMode: ['json', 'item'] },
	]);
});
