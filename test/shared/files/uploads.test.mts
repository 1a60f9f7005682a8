/** Files of incoming items: uploaded before the task is started, once, and only if all is well. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FROM_LIST, resultOf, runBatch } from '../../nodes/Batch/support.mts';
import { NODE_NAME, useFileBinaryData } from '../../engine/engine.mts';
import { binaryFiles, inMemory, inStorage, sha256 } from './support.mts';
import {
	clock,
	meanwhile,
	everythingSaid,
	jsonOf,
	objectIn,
	runApp,
	submissions,
	useSandbox,
} from '../../engine/support.mts';
import { until } from '../../until.mts';

const sandbox = useSandbox();
const bytes = randomBytes(200_000);

beforeAll(async () => await useFileBinaryData());
afterEach(() => {
	expect(sandbox().violations()).toEqual([]);
});

const app = 'sandbox/file-info';
const image = binaryFiles({ file: 'data' });
const puts = () => sandbox().count('PUT', /^\/uploads\//);
const inputs = () => submissions(sandbox()).map(({ input }) => input as IDataObject);
const withData = (
	data: NonNullable<INodeExecutionData['binary']>[string],
	json: IDataObject = {},
) => ({
	json,
	binary: { data },
});

describe('a file of an item', () => {
	it.each([
		['in the storage of n8n', inStorage],
		['in the item itself', async (content: Buffer) => await Promise.resolve(inMemory(content))],
	])('that is %s arrives at the app', async (_where, keep) => {
		const run = await runApp(sandbox(), {
			app,
			items: [withData(await keep(bytes))],
			parameters: image,
		});
		expect(run.error).toBeUndefined();
		expect(objectIn(jsonOf(run)[0], 'output')).toMatchObject({
			size: bytes.length,
			sha256: sha256(bytes),
			content_type: 'image/png',
			filename: 'photo.png',
		});
		expect(puts()).toBe(1);
	});

	it('goes where its field leads to, in every mode', async () => {
		const item = withData(inMemory(bytes), { text: 'x', list: [{ keep: 1 }] });
		const fields = {
			'list.0.photo': 'data',
			'list.1': 'data',
			'new.images.0': 'data',
			text: 'data',
		};
		for (const mode of [{ inputMode: 'item' }, { inputMode: 'json', jsonInput: '={{ $json }}' }]) {
			sandbox().reset();
			await runApp(sandbox(), { items: [item], parameters: { ...mode, ...binaryFiles(fields) } });
			const uri = sandbox().files()[0]?.uri;
			expect(inputs()).toEqual([
				{ text: uri, list: [{ keep: 1, photo: uri }, uri], new: { images: [uri] } },
			]);
		}
	});

	it('is chosen by expressions', async () => {
		const items = [
			{ json: { use: 'a' }, binary: { a: inMemory(Buffer.from('A')), b: inMemory(bytes) } },
			{ json: { use: 'b' }, binary: { a: inMemory(bytes), b: inMemory(Buffer.from('B')) } },
		];
		const run = await runApp(sandbox(), {
			app,
			items,
			parameters: binaryFiles({ '={{ "fi" + "le" }}': '={{ $json.use }}' }),
		});
		expect(jsonOf(run).map((json) => objectIn(json, 'output')['sha256'])).toEqual([
			sha256(Buffer.from('A')),
			sha256(Buffer.from('B')),
		]);
	});

	it('has a name and a type, whatever it lacks', async () => {
		const nameless = { data: bytes.toString('base64'), mimeType: '', fileExtension: 'bin' };
		const run = await runApp(sandbox(), { app, items: [withData(nameless)], parameters: image });
		expect(objectIn(jsonOf(run)[0], 'output')).toMatchObject({
			filename: 'data.bin',
			content_type: 'application/octet-stream',
		});
	});

	it('of several is uploaded beside the others', async () => {
		const binary = Object.fromEntries(
			Array.from({ length: 9 }, (_, n) => [`f${n}`, inMemory(Buffer.from(`file ${n}`))]),
		);
		const fields = Object.fromEntries(Object.keys(binary).map((name, n) => [`images.${n}`, name]));
		await runApp(sandbox(), { items: [{ json: {}, binary }], parameters: binaryFiles(fields) });
		const hashes = (inputs()[0]?.['images'] as string[]).map(
			(uri) =>
				sandbox()
					.files()
					.find((file) => file.uri === uri)?.sha256,
		);
		expect(hashes).toEqual(Object.keys(binary).map((_, n) => sha256(Buffer.from(`file ${n}`))));
	});

	it('works for Batch, also for every element of a list', async () => {
		const stored = await inStorage(bytes);
		const run = await runBatch(sandbox(), {
			items: [
				withData(stored, { rows: [{ prompt: 'a' }, { prompt: 'b' }] }),
				withData(stored, { rows: [{}] }),
			],
			parameters: { ...FROM_LIST, ...binaryFiles({ image: 'data' }) },
		});
		expect(resultOf(run).succeeded).toHaveLength(3);
		const { uri } = sandbox().files()[0] ?? {};
		expect(inputs()).toHaveLength(3);
		expect(inputs()).toEqual(
			expect.arrayContaining([
				{ prompt: 'a', image: uri },
				{ prompt: 'b', image: uri },
				{ image: uri },
			]),
		);
		expect(puts()).toBe(1);
	});
});

describe('the same file', () => {
	it.each([
		['in the storage of n8n', inStorage],
		[
			'in the items themselves',
			async (content: Buffer) => await Promise.resolve(inMemory(content)),
		],
	])('of many items is uploaded once: %s', async (_where, keep) => {
		const stored = await keep(bytes);
		sandbox().fault({ on: 'PUT /uploads/:id', kind: 'delay', ms: 30, when: 'before' });
		const run = await runApp(sandbox(), {
			app,
			items: Array.from({ length: 30 }, () => withData(stored)),
			parameters: { ...image, concurrency: 10 },
		});
		expect(jsonOf(run)).toHaveLength(30);
		expect(new Set(inputs().map(({ file }) => file)).size).toBe(1);
		expect([sandbox().count('POST', '/files'), puts()]).toEqual([1, 1]);
	});

	it('is another one under another name or type', async () => {
		const items = [
			inMemory(bytes),
			inMemory(bytes, 'b.png'),
			inMemory(bytes, 'photo.png', 'image/gif'),
		];
		await runApp(sandbox(), { app, items: items.map((data) => withData(data)), parameters: image });
		expect(puts()).toBe(3);
	});

	it('is uploaded again in another execution', async () => {
		const items = [withData(await inStorage(bytes))];
		await runApp(sandbox(), { app, items, parameters: image });
		await runApp(sandbox(), { app, items, parameters: image });
		expect(puts()).toBe(2);
	});

	it('is not uploaded again when the node is run again', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/flaky',
			items: [withData(await inStorage(bytes), { key: 'k', failures: 2 })],
			parameters: image,
			retryOnFail: true,
			maxTries: 3,
		});
		expect(run.status).toBe('success');
		expect(submissions(sandbox())).toHaveLength(3);
		expect(puts()).toBe(1);
	});

	it('is not uploaded again for a failed task that is bought again', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/flaky',
			items: [withData(inMemory(bytes), { key: 'k', failures: 1 })],
			parameters: image,
			options: { retryOn: ['taskFailed'] },
		});
		expect(run.status).toBe('success');
		expect(puts()).toBe(1);
	});

	it('is uploaded again if that has failed', async () => {
		sandbox().fault({ on: 'POST /files', kind: 'status', status: 400, times: 1 });
		const run = await runApp(sandbox(), {
			app,
			items: [withData(await inStorage(bytes))],
			parameters: image,
			retryOnFail: true,
		});
		expect(run.status).toBe('success');
		expect(submissions(sandbox())).toHaveLength(1);
	});

	it('is recognised when the answer to the submission is lost', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'reset', when: 'after' });
		const run = await runApp(sandbox(), {
			app,
			items: [withData(inMemory(bytes))],
			parameters: image,
		});
		expect(run.status).toBe('success');
		expect(sandbox().tasks()).toHaveLength(1);
	});
});

describe('bad input is told before anything is uploaded or bought', () => {
	const untouched = () => expect(sandbox().requests).toEqual([]);

	it('names the field and the properties that there are', async () => {
		const run = await runApp(sandbox(), {
			app,
			items: [{ json: {}, binary: { photo: inMemory(bytes), scan: inMemory(bytes) } }],
			parameters: image,
		});
		expect(run.error?.message).toBe(
			'Parameter "file" needs a file, but the item has no binary field "data" [item 0]',
		);
		expect(run.error?.description).toBe('The item has the binary fields photo, scan.');
		untouched();
	});

	it('says that an item has no binary data at all', async () => {
		const run = await runApp(sandbox(), { app, items: [{}], parameters: image });
		expect(run.error?.message).toContain('has no binary field "data"');
		expect(run.error?.description).toContain('The item has no binary data at all');
		untouched();
	});

	it.each([
		['in the storage of n8n', inStorage],
		['in the item itself', async (content: Buffer) => await Promise.resolve(inMemory(content))],
	])('refuses a file of no bytes %s', async (_where, keep) => {
		const items = [
			{ json: {}, binary: { full: inMemory(bytes), data: await keep(Buffer.alloc(0)) } },
		];
		const run = await runApp(sandbox(), {
			app,
			items,
			parameters: binaryFiles({ 'other.0': 'full', file: 'data' }),
		});
		expect(run.error?.message).toBe(
			'Parameter "file" needs a file, but binary field "data" is empty (0 bytes) [item 0]',
		);
		untouched();
	});

	it('says so if n8n has lost the file', async () => {
		const stored = await inStorage(bytes);
		const [, key = ''] = (stored.id ?? '').split(':');
		rmSync(`${process.env['N8N_USER_FOLDER']}/.n8n/storage/${key}`, { force: true });
		rmSync(`${process.env['N8N_USER_FOLDER']}/.n8n/storage/${key}.metadata`, { force: true });
		rmSync(`${process.env['N8N_USER_FOLDER']}/.n8n/binaryData/${key}`, { force: true });
		rmSync(`${process.env['N8N_USER_FOLDER']}/.n8n/binaryData/${key}.metadata`, { force: true });
		const run = await runApp(sandbox(), { app, items: [withData(stored)], parameters: image });
		expect(run.error?.message).toBe(
			'Parameter "file" needs a file, but n8n has lost that of binary field "data" [item 0]',
		);
		expect(run.error?.description).toContain('Run the node before this one again');
		untouched();
	});

	it.each([
		['a.b', { a: 'text' }, 'leads nowhere in the input at "b": no object is there'],
		['list.x', { list: [] }, 'leads nowhere in the input at "x": the list there has the length 0'],
		[
			'list.2',
			{ list: ['one'] },
			'leads nowhere in the input at "2": the list there has the length 1',
		],
		['a..b', {}, 'leads nowhere in the input at "": no object is there'],
	])('refuses the field %s', async (field, json, problem) => {
		const run = await runApp(sandbox(), {
			items: [withData(inMemory(bytes), json)],
			parameters: binaryFiles({ [field]: 'data' }),
		});
		expect(run.error?.message).toBe(`Parameter "${field}" ${problem} [item 0]`);
		untouched();
	});

	it.each([
		['Input Field', { '': 'data' }],
		['Input Data Field Name', { file: '={{ $json.missing }}' }],
	])('refuses an empty %s', async (name, fields) => {
		const items = [withData(inMemory(bytes))];
		const run = await runApp(sandbox(), { app, items, parameters: binaryFiles(fields) });
		expect(run.error?.message).toBe(`Parameter "${name}" is empty [item 0]`);
		expect(run.error?.description).toContain('Files From Binary Data');
		untouched();
	});

	it('of one item costs the others nothing', async () => {
		const items = [withData(inMemory(bytes)), { json: {} }, withData(inMemory(bytes, 'c.png'))];
		const run = await runApp(sandbox(), {
			app,
			items,
			parameters: image,
			onError: 'continueErrorOutput',
		});
		expect(run.output(NODE_NAME)).toHaveLength(2);
		expect(run.output(NODE_NAME, 1).map(({ json }) => json['error'])).toEqual([
			'Parameter "file" needs a file, but the item has no binary field "data" [item 1]',
		]);
		expect(sandbox().tasks()).toHaveLength(2);
	});
});

describe('an upload that does not end', () => {
	const stored = async () => [withData(await inStorage(Buffer.alloc(3_000_000)))];

	it('is over when the time of its item is, and nothing is bought', async () => {
		sandbox().fault({ on: 'PUT /uploads/:id', kind: 'hang', when: 'before' });
		const running = runApp(sandbox(), {
			app,
			items: await stored(),
			parameters: { ...image, timeout: 20 },
		});
		const run = await meanwhile(running, async () => {
			await until(() => puts() >= 1);
			await clock.runOut(20_000);
		});
		expect(run.error?.message).toBe(
			'The item did not finish within 20 s. Nothing was started for it.',
		);
		expect(submissions(sandbox())).toEqual([]);
	});

	it('does not outlive the execution', async () => {
		sandbox().fault({ on: 'PUT /uploads/:id', kind: 'hang', when: 'before', times: Infinity });
		const run = await runApp(sandbox(), {
			app,
			items: await stored(),
			parameters: image,
			cancelAfter: until(() => puts() >= 1),
		});
		expect(run.status).toBe('canceled');
		expect(submissions(sandbox())).toEqual([]);
		expect(puts()).toBe(1);
	});

	it('fails its item with what went wrong, without key and signature', async () => {
		sandbox().fault({ on: 'PUT /uploads/:id', kind: 'status', status: 500, times: Infinity });
		const run = await runApp(sandbox(), {
			app,
			items: await stored(),
			parameters: { ...image, maxRetries: 1 },
		});
		expect(run.error?.message).toContain('The upload of "photo.png" to 127.0.0.1');
		expect(run.error?.message).toContain('HTTP 500');
		expect(everythingSaid(run)).not.toContain(sandbox().apiKey);
		expect(everythingSaid(run)).not.toContain('X-Amz-Signature');
		expect([puts(), submissions(sandbox()).length]).toEqual([2, 0]);
	});
});
