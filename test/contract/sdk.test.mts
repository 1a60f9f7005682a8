/** The official SDK against the sandbox: the outside judge of the sandbox's fidelity. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { startSandbox, type Sandbox } from '../sandbox/index.mts';
import { until } from '../until.mts';
import { loadSdk, type LoadedSdk } from './sdk.mts';

type Client = ReturnType<LoadedSdk['sdk']['inference']>;

let loaded: LoadedSdk;
let sandbox: Sandbox;
let client: Client;

beforeAll(async () => {
	loaded = await loadSdk();
	sandbox = await startSandbox();
	client = loaded.sdk.inference({ apiKey: sandbox.apiKey, baseUrl: sandbox.url });
});
afterEach(() => sandbox.reset());
afterAll(async () => {
	await sandbox.close();
	await loaded.dispose();
});

/** Lets the sandbox's time stand still until the task is streamed: nothing of it is missed. */
async function streamed<T>(start: () => Promise<T>): Promise<T> {
	sandbox.hold();
	const running = start();
	await until(() => sandbox.count('GET', /\/stream$/) > 0);
	sandbox.release();
	return await running;
}

const COMPLETED = 10;
const CANCELLED = 12;

describe('running an app', () => {
	it('streams until the task is complete', async () => {
		const task = await client.run({ app: 'sandbox/sleep', input: { ms: 30, value: 'x' } });
		expect(task).toMatchObject({ status: COMPLETED, output: { slept: 30, value: 'x' } });
		expect(task.id).toBe(sandbox.tasks()[0]?.id);
		expect(Date.parse(task.created_at)).toBeGreaterThan(Date.now() - 10_000);
		expect(sandbox.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
			'POST /apps/run',
			`GET /tasks/${task.id}/stream`,
		]);
	});

	it('settles a task that is complete in the answer to the submission', async () => {
		const task = await client.run({ app: 'sandbox/instant', input: { text: 'now' } });
		expect(task).toMatchObject({ status: COMPLETED, output: { text: 'now' } });
	});

	it('polls when it is told to', async () => {
		sandbox.hold();
		const running = client.run(
			{ app: 'sandbox/sleep', input: { ms: 60 } },
			{ stream: false, pollIntervalMs: 20 },
		);
		await until(() => sandbox.count('GET', /\/status$/) > 1);
		sandbox.release();
		expect(await running).toMatchObject({ status: COMPLETED, output: { slept: 60 } });
		expect(sandbox.count('GET', /\/stream$/)).toBe(0);
	});

	it('polls with statuses spelled as names too', async () => {
		sandbox.configure({ statusAs: 'string' });
		const task = await client.run(
			{ app: 'sandbox/sleep', input: { ms: 40 } },
			{ stream: false, pollIntervalMs: 20 },
		);
		expect(task.status).toBe(COMPLETED);
	});

	it('returns at once without waiting', async () => {
		const task = await client.run({ app: 'sandbox/manual', input: {} }, { wait: false });
		expect(task.status).toBe(1);
		expect(task.output).toBeNull();
		expect(sandbox.running()).toHaveLength(1);
		expect(sandbox.requests.filter(({ path }) => path.includes(task.id))).toEqual([]);
	});

	it('reports progress', async () => {
		const statuses: number[] = [];
		const changed = new Set<string>();
		let lastLog = '';
		const task = await streamed(async () =>
			client.run(
				{ app: 'sandbox/video', input: { prompt: 'a boat' } },
				{
					onUpdate: (update) => statuses.push(Number(update.status)),
					onPartialUpdate: (update, fields) => {
						statuses.push(Number(update.status));
						for (const field of fields) changed.add(field);
						lastLog = update.logs?.[0]?.content ?? lastLog;
					},
				},
			),
		);
		expect(statuses).toEqual(expect.arrayContaining([3, 4, 7, 9, 10]));
		expect([...changed]).toEqual(expect.arrayContaining(['status', 'logs', 'output']));
		expect(lastLog).toBe('loading model\nstep 1/4\nstep 2/4\nstep 3/4\nstep 4/4\n');
		expect(String((task.output as { video: string }).video)).toMatch(/\/app\/files\/.+\.mp4$/);
	});

	it('hands token deltas on, and they add up to the response', async () => {
		const pieces: string[] = [];
		const numbers: number[] = [];
		const accumulator = loaded.sdk.createLLMDeltaAccumulator();
		const task = await streamed(async () =>
			client.run(
				{ app: 'sandbox/llm', input: { text: 'Hallo 🌍', tokens: 9, delayMs: 10 } },
				{
					onDelta: (delta, seq) => {
						pieces.push(String((delta as { response: string }).response));
						numbers.push(seq);
						accumulator.apply(delta as Record<string, unknown>);
					},
				},
			),
		);
		const { response } = task.output as { response: string };
		expect(response).toContain('Hallo 🌍');
		expect(response.endsWith(pieces.join(''))).toBe(true);
		expect(pieces.length).toBeGreaterThan(5);
		expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
	});

	it('reports a failure with its reason', async () => {
		const run = client.run({ app: 'sandbox/fail', input: { message: 'no GPU left', ms: 20 } });
		await expect(run).rejects.toThrow('no GPU left');
	});

	it('reports a cancelled task', async () => {
		const task = await client.run({ app: 'sandbox/manual', input: {} }, { wait: false });
		const { done } = client.tasks.watch(task as never);
		// Heard from the start: it may end before the answer to the cancellation is there.
		const ended = expect(done).rejects.toThrow('task cancelled');
		await client.cancel(task.id);
		await ended;
		expect((await client.getTask(task.id)).data.status).toBe(CANCELLED);
	});

	it('passes notices of the service on', async () => {
		const notices: unknown[] = [];
		sandbox.configure({ messages: [{ level: 'warning', code: 'limit', message: 'slow down' }] });
		const attentive = loaded.sdk.createClient({
			apiKey: sandbox.apiKey,
			baseUrl: sandbox.url,
			onMessage: (messages) => notices.push(...messages),
		});
		await attentive.run({ app: 'sandbox/instant', input: {} });
		expect(notices).toEqual([{ level: 'warning', code: 'limit', message: 'slow down' }]);
	});
});

describe('refusals', () => {
	it('are InferenceErrors with the problem in the message', async () => {
		const run = client.run({ app: 'sandbox/ecko', input: {} });
		await expect(run).rejects.toSatisfy(loaded.sdk.isInferenceError);
		await expect(client.run({ app: 'sandbox/ecko', input: {} })).rejects.toThrow(
			/HTTP 404: .*sandbox\/echo/,
		);
		await expect(client.run({ app: 'sandbox/sleep', input: {} })).rejects.toThrow(
			"HTTP 422: input validation failed: 'ms' is a required property",
		);
		await expect(client.run({ app: 'sandbox/paid', input: {} })).rejects.toThrow(/HTTP 402/);
	});

	it('list what a 412 is missing', async () => {
		const error: unknown = await client
			.run({ app: 'sandbox/secret', input: {} })
			.catch((reason: unknown) => reason);
		if (!loaded.sdk.isRequirementsNotMetException(error)) throw error;
		expect(error.errors.map(({ type, key }) => [type, key])).toEqual([
			['secret', 'SANDBOX_API_KEY'],
			['integration', 'google.sheets'],
		]);
		expect(error.errors[1]?.action?.provider).toBe('google');
	});

	it('know a wrong key', async () => {
		const stranger = loaded.sdk.inference({ apiKey: 'inf_wrong', baseUrl: sandbox.url });
		await expect(stranger.run({ app: 'sandbox/echo', input: {} })).rejects.toThrow('HTTP 401');
		expect(sandbox.tasks()).toHaveLength(0);
	});
});

describe('tasks', () => {
	it('can be read in full', async () => {
		const { id } = await client.run({ app: 'sandbox/echo', input: { text: 'hi' } });
		const { data: task } = await client.getTask(id);
		expect(task).toMatchObject({
			id,
			status: COMPLETED,
			input: { text: 'hi' },
			output: { echo: { text: 'hi' } },
			function: 'run',
			app: { namespace: 'sandbox', name: 'echo' },
		});
		expect(task.app_version?.input_schema).toHaveProperty('properties.text');
		expect(task.events.map(({ status }) => status)).toEqual([1, 7, 10]);
		expect(loaded.sdk.isTerminalStatus(task.status)).toBe(true);
	});

	it('can be listed page by page', async () => {
		for (let n = 0; n < 5; n++) {
			await client.run({ app: 'sandbox/instant', input: { text: String(n) } }, { wait: false });
		}
		const seen: unknown[] = [];
		let cursor = '';
		do {
			const { data: page } = await client.tasks.list({ limit: 2, cursor });
			seen.push(...page.items.map((task) => (task.input as { text: string }).text));
			expect(page.total_items).toBe(5);
			cursor = page.has_next ? page.next_cursor : '';
		} while (cursor !== '');
		expect(seen).toEqual(['4', '3', '2', '1', '0']);
	});

	it('tell their logs and timings', async () => {
		const { id } = await client.run({ app: 'sandbox/video', input: { prompt: 'x', steps: 1 } });
		const { data: logs } = await client.tasks.getLogs(id);
		expect(logs.logs[0]?.content).toContain('step 1/1');
		const { data: timings } = await client.tasks.getTimings(id);
		expect(timings.groups.map(({ label }) => label)).toEqual(['queue', 'run']);
	});
});

describe('files', () => {
	it('are uploaded and usable as input', async () => {
		const bytes = Buffer.from('the quick brown fox 🦊 '.repeat(20));
		const file = await client.uploadFile(bytes.toString('base64'), {
			filename: 'fox.txt',
			contentType: 'text/plain',
		});
		const task = await client.run({ app: 'sandbox/file-info', input: { file: file.uri } });
		expect(task.output).toMatchObject({
			file: file.uri,
			size: bytes.length,
			content_type: 'text/plain',
			filename: 'fox.txt',
		});
		const download = await fetch(file.uri);
		expect(Buffer.from(await download.arrayBuffer()).equals(bytes)).toBe(true);
		expect(sandbox.violations()).toEqual([]);
	});

	it('are uploaded from blobs inside an input', async () => {
		const blob = new Blob(['inside'], { type: 'text/plain' });
		const task = await client.run({ app: 'sandbox/file-info', input: { file: blob } });
		expect(task.output).toMatchObject({ size: 6, content_type: 'text/plain' });
	});
});

describe('sessions', () => {
	it('keep their state between calls until they end', async () => {
		const first = await client.run({ app: 'sandbox/counter', input: {}, session: 'new' });
		const session = first.session_id ?? '';
		expect(session).not.toBe('');
		const second = await client.run({ app: 'sandbox/counter', input: { by: 4 }, session });
		expect(first.output).toEqual({ count: 1 });
		expect(second.output).toEqual({ count: 5 });

		const { data: info } = await client.sessions.get(session);
		expect(info).toMatchObject({ status: 'active', call_count: 2, idle_timeout: 60 });
		const { data: kept } = await client.sessions.keepalive(session);
		expect(Date.parse(kept.expires_at)).toBeGreaterThanOrEqual(Date.parse(info.expires_at));
		expect((await client.sessions.list()).data).toHaveLength(1);

		await client.sessions.end(session);
		expect((await client.sessions.get(session)).data.status).toBe('ended');
		await expect(client.run({ app: 'sandbox/counter', input: {}, session })).rejects.toThrow(
			'HTTP 410',
		);
	});
});

describe('apps', () => {
	it('can be read by id and by name, with their schemas', async () => {
		const { data: byName } = await client.apps.getByName('infsh/image-resize');
		expect(byName).toMatchObject({ namespace: 'infsh', name: 'image-resize', status: 'active' });
		expect(byName.version?.input_schema).toHaveProperty('properties.image.format', 'file');
		const { data: byId } = await client.apps.get(byName.id);
		expect(byId).toEqual(byName);
		const { data: ofVersion } = await client.apps.getByVersionId(byName.id, byName.version_id);
		expect(ofVersion.version?.functions).toHaveProperty('run');
		expect((await client.apps.listVersions(byName.id)).data.items).toHaveLength(1);
	});

	it('of the workspace can be searched', async () => {
		const { data: page } = await client.apps.list({ search: { term: 'echo', exact: false } });
		expect(page.items.map(({ name }) => name)).toEqual(['echo']);
	});
});
