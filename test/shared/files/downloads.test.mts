/** Files of outputs as binary data: all of them, under the right names, and never at the result's cost. */
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import type { IDataObject } from 'n8n-workflow';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
	startFileHost,
	syntheticSha256,
	type FileHost,
	type SandboxApp,
} from '../../sandbox/index.mts';
import { FROM_LIST, resultOf, runBatch } from '../../nodes/Batch/support.mts';
import { NODE_NAME, useFileBinaryData } from '../../engine/engine.mts';
import { filesOf, hintsOf, sha256 } from './support.mts';
import {
	clock,
	meanwhile,
	jsonOf,
	objectIn,
	runApp,
	type RunAppOptions,
	useSandbox,
} from '../../engine/support.mts';
import { until } from '../../until.mts';

const FILE = { type: 'string', format: 'file' };

/** Puts out whatever it is given; files are declared below `files` only. */
const say: SandboxApp = {
	namespace: 'sandbox',
	name: 'say',
	title: 'Say',
	description: 'Returns the output it is given.',
	category: 'other',
	functions: {
		run: {
			input: { type: 'object', properties: {} },
			output: {
				type: 'object',
				properties: { files: { type: 'object', additionalProperties: FILE } },
			},
		},
		list: {
			input: { type: 'object', properties: {} },
			output: { type: 'object', properties: { pages: { type: 'array', items: FILE } } },
		},
	},
	run: (job) => job.finish(job.input['output']),
};

/** The same under other names, of which nobody has learnt anything yet. */
const unread: SandboxApp = { ...say, name: 'unread' };
const often: SandboxApp = { ...say, name: 'often' };

const sandbox = useSandbox({ apps: [say, unread, often] });
const bytes = randomBytes(200_000);
let host: FileHost;

beforeAll(async () => {
	await useFileBinaryData();
	host = await startFileHost();
	const send = (response: ServerResponse, headers: Record<string, string>) =>
		response.writeHead(200, { 'content-length': bytes.length, ...headers }).end(bytes);
	host.serve('/cat.png', (_request, response) => send(response, { 'content-type': 'image/png' }));
	host.serve('/plain', (_request, response) =>
		send(response, { 'content-type': 'application/octet-stream' }),
	);
	host.serve('/hang', () => {});
});
afterEach(() => {
	expect(sandbox().violations()).toEqual([]);
	expect(JSON.stringify(host.requests)).not.toMatch(/authorization|inf_sandbox/i);
});
afterAll(async () => await host.close());

const download = { downloadFiles: true };
/** Runs the app that returns these outputs. */
async function outputs(values: unknown[], options: RunAppOptions = {}) {
	return await runApp(sandbox(), {
		app: 'sandbox/say',
		items: values.map((output) => ({ output }) as IDataObject),
		...options,
		parameters: { ...download, ...options.parameters },
	});
}

describe('the files of an output', () => {
	it('in all their shapes become binary data, and their URLs stay', async () => {
		const run = await runApp(sandbox(), { app: 'sandbox/file-shapes', parameters: download });
		const [item] = run.output(NODE_NAME);
		const hashes = sandbox()
			.files()
			.map((file) => file.sha256);
		const files = await filesOf(item);
		expect(Object.keys(files).sort()).toEqual(
			['legacy', 'list_0', 'list_1', 'nested_deep_0_image', 'plain', 'url'].sort(),
		);
		expect(new Set(Object.values(files).map((file) => file.sha256))).toEqual(new Set(hashes));
		expect(Object.values(files).map(({ mimeType }) => mimeType)).toEqual(
			Array.from({ length: 6 }, () => 'image/png'),
		);
		expect(files['legacy']?.fileName).toBe('legacy.png');
		const { uri = '' } = sandbox().files()[0] ?? {};
		expect(files['plain']?.fileName).toBe(uri.split('/').at(-1));
		expect(objectIn(item?.json, 'output')['plain']).toBe(uri);
		expect(item?.json).not.toHaveProperty('download_errors');
		expect(item?.pairedItem).toEqual({ item: 0 });
	});

	it('come from the app of any item, and from its own function', async () => {
		const url = `${host.url}/cat.png`;
		const output = { files: { a: url }, pages: [url] };
		for (const [app, property] of [
			['sandbox/say', 'files_a'],
			['sandbox/say@latest:list', 'pages_0'],
		] as const) {
			const run = await outputs([output], { app });
			expect(await filesOf(run.output(NODE_NAME)[0])).toEqual({
				[property]: { sha256: sha256(bytes), fileName: 'cat.png', mimeType: 'image/png' },
			});
		}
	});

	it('are found by their shape if the app cannot be read, and the item says that some may be missing', async () => {
		sandbox().fault({ on: 'GET /apps/*', kind: 'status', status: 403, times: Infinity });
		const url = `${host.url}/cat.png`;
		const shaped = { url, content_type: 'image/png' };
		const outputsOf = [{ files: { a: `${url}?a` }, x: shaped }, { link: url }, { x: shaped }, {}];
		const run = await outputs(outputsOf, { app: 'sandbox/unread' });
		const items = run.output(NODE_NAME);
		const files = await Promise.all(items.map(async (item) => Object.keys(await filesOf(item))));
		expect(files).toEqual([['x'], [], ['x'], []]);
		const told: unknown = expect.stringMatching(
			/^The output schema of sandbox\/unread could not be read, so files may be missing: ./,
		);
		// Where there are no other links, nothing can be missing.
		expect(items.map(({ json }) => json['download_errors'])).toEqual([
			[{ message: told }],
			[{ message: told }],
			undefined,
			undefined,
		]);
		expect(hintsOf(run)).toContain('could not be read, so files may be missing');
	});

	it('are kept under keys that all objects have', async () => {
		const { href } = new URL(`${host.url}/cat.png`);
		const output: unknown = JSON.parse(
			`{"files":{},"__proto__":{"url":"${href}","content_type":"image/png"}}`,
		);
		const run = await outputs([output]);
		expect(Object.keys(await filesOf(run.output(NODE_NAME)[0]))).toEqual(['file__proto__']);
	});

	it('belong to whole tasks, too', async () => {
		const run = await outputs([{ files: { a: `${host.url}/cat.png` } }], {
			options: { fullTask: true },
		});
		expect(jsonOf(run)[0]).toHaveProperty('app_version');
		expect(Object.keys(await filesOf(run.output(NODE_NAME)[0]))).toEqual(['files_a']);
	});

	it('are left where they are unless asked for', async () => {
		const run = await runApp(sandbox(), { app: 'sandbox/file-shapes' });
		expect(run.output(NODE_NAME)[0]).not.toHaveProperty('binary');
		expect(sandbox().count('GET', /^\/app/)).toBe(0);
	});

	it('do not come before they are there', async () => {
		const run = await outputs([{}], { parameters: { wait: 'none' } });
		expect(run.output(NODE_NAME)[0]).not.toHaveProperty('binary');
	});

	it('are read of an app once, however many items there are', async () => {
		const output = { files: { a: `${host.url}/cat.png` } };
		const twenty = Array.from({ length: 20 }, () => output);
		const run = await outputs(twenty, { app: 'sandbox/often' });
		expect(run.output(NODE_NAME).every(({ binary }) => binary?.['files_a'])).toBe(true);
		expect(sandbox().count('GET', '/apps/sandbox/often')).toBe(1);
	});

	it('need no output at all', async () => {
		const run = await outputs([null, 'text', 5, []]);
		expect(run.status).toBe('success');
		expect(run.output(NODE_NAME)).toHaveLength(4);
	});

	it('come out of Batch as well', async () => {
		const rows = [
			{ output: { files: { a: `${host.url}/cat.png` } } },
			{ output: { files: { a: `${host.url}/none` } } },
		];
		const run = await runBatch(sandbox(), {
			app: 'sandbox/say',
			items: [{ rows }],
			parameters: { ...FROM_LIST, ...download },
		});
		const { succeeded, summary } = resultOf(run);
		expect(await filesOf(succeeded[0])).toHaveProperty('files_a.sha256', sha256(bytes));
		expect(succeeded[1]?.json).toHaveProperty('download_errors');
		expect(summary).toMatchObject({ succeeded: 2, failed: 0 });
	});

	it('of any size are stored as they are', async () => {
		const size = 20_000_000;
		const run = await runApp(sandbox(), {
			app: 'sandbox/large-file',
			items: [{ bytes: size }],
			parameters: download,
		});
		expect(await filesOf(run.output(NODE_NAME)[0])).toHaveProperty(
			'file.sha256',
			syntheticSha256(size),
		);
	});
});

describe('a name', () => {
	it.each([
		[{ filename: '../../etc/passwd' }, 'passwd.png'],
		[{ filename: 'C:\\Users\\me\\cat.png' }, 'cat.png'],
		[{ filename: 'a\nb:c?.png' }, 'a_b_c_.png'],
		[{ filename: '..' }, 'cat.png'],
		[{ filename: 'Katze 猫.png' }, 'Katze 猫.png'],
		[{ filename: 'cat\u202Egnp.exe' }, 'cat_gnp.exe'],
		[{ filename: 'a\u2067b\u0000c\uFEFF.png' }, 'a_b_c_.png'],
		[{ filename: 'CON.png' }, '_CON.png'],
		[{ filename: 'cat.png. .' }, 'cat.png'],
		[{ filename: '\u200B\u200D' }, 'cat.png'],
		[{ filename: `${'x'.repeat(3000)}.png` }, `${'x'.repeat(196)}.png`],
		[{ filename: `${'猫'.repeat(1000)}.png` }, `${'猫'.repeat(65)}.png`],
		[{ filename: `${'🎲'.repeat(1000)}.png` }, `${'🎲'.repeat(49)}.png`],
	])('of a file is that which the output gives, made safe: %j', async (facts, expected) => {
		const run = await outputs([
			{ a: { uri: `${host.url}/cat.png`, content_type: 'image/png', ...facts } },
		]);
		expect((await filesOf(run.output(NODE_NAME)[0]))['a']?.fileName).toBe(expected);
	});

	it('gets the extension of its type, which the output knows best', async () => {
		const run = await outputs([
			{
				a: { uri: `${host.url}/plain`, content_type: 'video/mp4' },
				b: { uri: `${host.url}/plain?2`, filename: 'x.webp' },
				files: { c: `${host.url}/plain?3` },
			},
		]);
		expect(await filesOf(run.output(NODE_NAME)[0])).toMatchObject({
			a: { fileName: 'plain.mp4', mimeType: 'video/mp4' },
			b: { fileName: 'x.webp', mimeType: 'image/webp' },
			files_c: { fileName: 'plain.bin', mimeType: 'application/octet-stream' },
		});
	});

	it('of a binary property is its own', async () => {
		const url = (n: number) => ({ uri: `${host.url}/cat.png?${n}`, content_type: 'image/png' });
		const run = await outputs([{ a_0: url(1), a: [url(2)], 'a-0': url(3), 'ä b': url(4) }, url(5)]);
		expect(run.output(NODE_NAME).map(({ binary }) => Object.keys(binary ?? {}).sort())).toEqual([
			['a_0', 'a_0_2', 'a_0_3', 'ä_b'],
			['file'],
		]);
	});
});

describe('a file that cannot be downloaded', () => {
	const good = () => `${host.url}/cat.png`;
	const bad = () => `${host.url}/none.png`;

	it('leaves the result, the other files, and a reason', async () => {
		const run = await outputs([{ files: { a: bad(), b: good() } }, { files: { c: good() } }], {
			retryOnFail: true,
		});
		expect(run.status).toBe('success');
		const [first, second] = run.output(NODE_NAME);
		const message = `The download from ${new URL(host.url).host} was refused with HTTP 404`;
		expect(first?.json).toMatchObject({
			status: 'completed',
			output: { files: { a: bad() } },
			download_errors: [{ field: 'files.a', url: bad(), message }],
		});
		expect(Object.keys(first?.binary ?? {})).toEqual(['files_b']);
		expect(Object.keys(second?.binary ?? {})).toEqual(['files_c']);
		expect(hintsOf(run)).toContain(`1 file could not be downloaded: ${message}`);
		// Nothing was bought twice, and n8n saw no failure.
		expect(sandbox().tasks()).toHaveLength(2);
	});

	it.each([['continueErrorOutput'], ['continueRegularOutput'], ['stopWorkflow']] as const)(
		'makes no failed item of it with On Error = %s',
		async (onError) => {
			const run = await outputs([{ files: { a: bad() } }], { onError });
			expect(run.output(NODE_NAME)).toHaveLength(1);
			expect(run.output(NODE_NAME)[0]?.json['status']).toBe('completed');
		},
	);

	it('because it is too large is not', async () => {
		const run = await outputs([{ files: { a: good() } }], { parameters: { maxFileSize: 0.1 } });
		const [item] = run.output(NODE_NAME);
		expect(item).not.toHaveProperty('binary');
		expect(JSON.stringify(item?.json['download_errors'])).toContain('larger than 0.1 MB');
		const within = await outputs([{ files: { a: good() } }], { parameters: { maxFileSize: 1 } });
		expect(Object.keys(await filesOf(within.output(NODE_NAME)[0]))).toEqual(['files_a']);
	});

	it('is tried again first', async () => {
		sandbox().fault({ on: 'GET /app/files/*', kind: 'status', status: 500 });
		sandbox().fault({ on: 'GET /app/files/*', kind: 'truncate' });
		sandbox().fault({ on: 'GET /app/files/*', kind: 'truncate', chunked: true });
		const run = await runApp(sandbox(), {
			app: 'sandbox/large-file',
			items: [{ bytes: 300_000 }],
			parameters: download,
		});
		expect(await filesOf(run.output(NODE_NAME)[0])).toHaveProperty(
			'file.sha256',
			syntheticSha256(300_000),
		);
		expect(sandbox().count('GET', /^\/app\/files/)).toBe(4);
	});

	it('leaves nothing of the attempts that failed', async () => {
		sandbox().fault({ on: 'GET /app/files/*', kind: 'truncate', times: 2 });
		const run = await runApp(sandbox(), {
			app: 'sandbox/large-file',
			items: [{ bytes: 300_000 }],
			parameters: download,
		});
		const { id = '' } = run.output(NODE_NAME)[0]?.binary?.['file'] ?? {};
		const folder = id.split(':')[1]?.replace(/[^/]+$/, '') ?? '';
		const stored = readdirSync(`${process.env['N8N_USER_FOLDER']}/.n8n`, { recursive: true })
			.map(String)
			.filter((path) => path.includes(folder));
		// The file and what n8n notes of it. An older n8n keeps the rest as long as the execution.
		const hasTemporaryFiles = process.env['N8N_HOST'] === undefined;
		expect(stored).toHaveLength(hasTemporaryFiles ? 2 : 4);
	});

	it('within the time of its item says so', async () => {
		const before = host.requests.length;
		const running = outputs([{ files: { a: `${host.url}/hang` } }], {
			parameters: { timeout: 20 },
		});
		const run = await meanwhile(running, async () => {
			await until(() => host.requests.length > before);
			await clock.runOut(20_000);
		});
		const [item] = run.output(NODE_NAME);
		expect(item?.json['download_errors']).toMatchObject([
			{ field: 'files.a', message: 'The download did not finish within 20 s' },
		]);
	});

	it('within the Total Timeout leaves the result, too', async () => {
		const before = host.requests.length;
		const running = outputs([{ files: { a: `${host.url}/hang` } }], {
			options: { totalTimeout: 20 },
		});
		const run = await meanwhile(running, async () => {
			await until(() => host.requests.length > before);
			await clock.runOut(20_000);
		});
		expect(run.status).toBe('success');
		expect(jsonOf(run)[0]).toHaveProperty('download_errors');
	});

	it('because the execution is stopped stops it at once', async () => {
		const before = host.requests.length;
		const run = await outputs([{ files: { a: `${host.url}/hang` } }], {
			cancelAfter: until(() => host.requests.length > before),
		});
		expect(run.status).toBe('canceled');
		await until(() => host.answering() === 0);
	});

	it('because another item fails is downloaded by the next try, and nothing bought again', async () => {
		let requests = 0;
		host.serve('/slow', (_request, response) => {
			requests += 1;
			if (requests > 1) response.end(bytes);
		});
		const running = runApp(sandbox(), {
			app: '={{ $json.app }}',
			items: [
				{ app: 'sandbox/say', output: { files: { a: `${host.url}/slow` } } },
				{ app: 'sandbox/manual', output: {} },
			],
			parameters: download,
			retryOnFail: true,
		});
		const manual = () => sandbox().running()[0]?.id ?? '';
		const run = await meanwhile(running, async () => {
			await until(() => requests >= 1);
			sandbox().finishTask(manual(), { status: 'failed' });
			await until(() => sandbox().tasks().length >= 3);
			sandbox().finishTask(manual());
		});
		expect(run.status).toBe('success');
		expect(await filesOf(run.output(NODE_NAME)[0])).toHaveProperty('files_a.sha256', sha256(bytes));
		expect(sandbox().tasks()).toHaveLength(3);
	});

	it('because the limit is no number says so before anything is started', async () => {
		const run = await outputs([{}], { parameters: { maxFileSize: -1 } });
		expect(run.error?.message).toBe(
			'Parameter "Max File Size (MB)" must be a number from 0 to 1000000, but is -1 [item 0]',
		);
		expect(sandbox().tasks()).toEqual([]);
	});
});
