/** Apps with their functions, versions and sessions, as the client reads them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { appFromWire, functionOf } from '../../../nodes/client/apps/appInfo.ts';
import {
	NotFoundError,
	ProtocolError,
	ServerError,
	StoppedError,
} from '../../../nodes/client/errors.ts';
import { startSandbox, type Sandbox } from '../../sandbox/index.mts';
import { until } from '../../until.mts';
import { clock, makeClient, rejection } from '../support.mts';

let sandbox: Sandbox;
// One for each test: what is known of apps is shared by all clients of an account.
beforeEach(async () => {
	sandbox = await startSandbox();
	return async () => await sandbox.close();
});

const STUDIO = 'sandbox/studio';

/** Ids of the two versions, current one first. */
async function versionIds(): Promise<readonly [string, string]> {
	const { apps } = makeClient(sandbox);
	const { id = '' } = await apps.get(STUDIO);
	const [current, older] = await apps.versions(id);
	sandbox.reset();
	return [current?.id ?? '', older?.id ?? ''];
}

describe('an app', () => {
	it('has functions with schemas, a default one, and a setup schema', async () => {
		const app = await makeClient(sandbox).apps.get(STUDIO);
		expect(app).toMatchObject({ defaultFunction: 'run', setup: { title: 'AppInput' } });
		expect(app.functions.map(({ name, streams }) => [name, streams])).toEqual([
			['run', false],
			['speak', false],
			['live', true],
		]);
		expect(functionOf(app, undefined)?.input).toMatchObject({ required: ['prompt', 'source'] });
		expect(functionOf(app, 'speak')?.description).toBe(
			'Says something, from a text or a recording',
		);
		expect(functionOf(app, 'none')).toBeUndefined();
	});

	it('is asked for once by all clients of the account', async () => {
		const client = makeClient(sandbox);
		await Promise.all([client.apps.get(STUDIO), client.apps.get(STUDIO)]);
		await makeClient(sandbox).apps.get(STUDIO);
		expect(sandbox.requests).toHaveLength(1);
	});

	it('is asked for again after a while, by another run', async () => {
		await makeClient(sandbox).apps.get(STUDIO);
		await clock.pass(121_000);
		const client = makeClient(sandbox);
		await client.apps.get(STUDIO);
		await client.apps.get(STUDIO);
		expect(sandbox.requests).toHaveLength(2);
	});

	it('is tried again after a failure, by another run', async () => {
		sandbox.fault({ on: 'GET /apps/*', kind: 'status', status: 500, times: 4 });
		const client = makeClient(sandbox);
		expect(await rejection(client.apps.get(STUDIO))).toBeInstanceOf(ServerError);
		expect(await rejection(client.apps.get(STUDIO))).toBeInstanceOf(ServerError);
		expect(sandbox.requests).toHaveLength(4);
		expect(await makeClient(sandbox).apps.get(STUDIO)).toBeDefined();
	});

	it('is not waited for longer than the caller wants', async () => {
		sandbox.fault({ on: 'GET /apps/*', kind: 'hang', when: 'before', times: 9 });
		const giveUp = new AbortController();
		const asked = rejection(makeClient(sandbox).apps.get(STUDIO, giveUp.signal));
		const reason = new StoppedError('no more');
		await until(() => sandbox.requests.length >= 1);
		giveUp.abort(reason);
		expect(await asked).toBe(reason);
	});

	it('that is no app is an error', async () => {
		sandbox.fault({ on: 'GET /apps/*', kind: 'body', body: '{"data":[]}', times: 9 });
		expect(await rejection(makeClient(sandbox).apps.get(STUDIO))).toBeInstanceOf(ProtocolError);
	});
});

describe('a version', () => {
	it('is listed, newest first', async () => {
		const [current, older] = await versionIds();
		expect(current).toMatch(/^\w{8}$/);
		expect(older).toMatch(/^\w{8}$/);
		expect(older).not.toBe(current);
	});

	it('has schemas of its own', async () => {
		const [, older] = await versionIds();
		const app = await makeClient(sandbox).apps.get(`${STUDIO}@${older}`);
		expect(functionOf(app, 'run')?.input).toMatchObject({ required: ['words'] });
		expect(app.setup).toBeUndefined();
		expect(app.functions).toHaveLength(1);
	});

	it('that is the current one needs one request', async () => {
		const [current] = await versionIds();
		await makeClient(sandbox).apps.get(`${STUDIO}@${current}`);
		await makeClient(sandbox).apps.get(`${STUDIO}@latest`);
		expect(sandbox.requests.map(({ path }) => path)).toEqual([
			'/apps/sandbox/studio',
			'/apps/sandbox/studio',
		]);
	});

	it('is found by its short id even where the route takes full ids only', async () => {
		const [, older] = await versionIds();
		sandbox.fault({ on: `GET /apps/:id/versions/${older}`, kind: 'status', status: 404 });
		const app = await makeClient(sandbox).apps.get(`${STUDIO}@${older}`);
		expect(functionOf(app, 'run')?.input).toMatchObject({ required: ['words'] });
		expect(sandbox.requests.at(-1)?.path).not.toContain(`/${older}/`);
	});

	it('that does not exist is an error', async () => {
		const asked = makeClient(sandbox).apps.get(`${STUDIO}@nothing1`);
		expect(await rejection(asked)).toBeInstanceOf(NotFoundError);
	});

	it('that cannot be read is an error', async () => {
		const [, older] = await versionIds();
		sandbox.fault({ on: 'GET /apps/:id/versions/*', kind: 'status', status: 500, times: 4 });
		const asked = makeClient(sandbox).apps.get(`${STUDIO}@${older}`);
		expect(await rejection(asked)).toBeInstanceOf(ServerError);
	});

	it('never changes, so it is remembered for good', async () => {
		const [, older] = await versionIds();
		const ref = `${STUDIO}@${older}`;
		await makeClient(sandbox).apps.get(ref);
		const asked = sandbox.requests.length;
		await clock.pass(1e9);
		await makeClient(sandbox).apps.get(ref);
		expect(sandbox.requests).toHaveLength(asked);
	});
});

describe('what is remembered of apps', () => {
	it('has a limit', async () => {
		const body = JSON.stringify({ data: { id: 'a', version: {} } });
		sandbox.fault({ on: 'GET /apps/many/*', kind: 'body', body, times: 999 });
		const { apps } = makeClient(sandbox);
		for (let n = 0; n < 201; n += 1) await apps.get(`many/app-${n}`);
		const another = makeClient(sandbox);
		await another.apps.get('many/app-200');
		await another.apps.get('many/app-1');
		expect(sandbox.requests).toHaveLength(201);
		await another.apps.get('many/app-0');
		expect(sandbox.requests).toHaveLength(202);
	});
});

describe('sessions', () => {
	it('are those of the workspace', async () => {
		const client = makeClient(sandbox);
		expect(await client.apps.sessions()).toEqual([]);
		const run = { app: 'sandbox/counter', input: {}, session: 'new', sessionTimeout: 60 };
		await fetch(`${sandbox.url}/apps/run`, {
			method: 'POST',
			headers: { authorization: `Bearer ${sandbox.apiKey}`, 'content-type': 'application/json' },
			body: JSON.stringify(run),
		});
		const { id } = await client.apps.get('sandbox/counter');
		expect(await client.apps.sessions()).toEqual([
			{
				id: expect.stringMatching(/^sess_/) as string,
				appId: id,
				status: 'active',
				expiresAt: expect.stringMatching(/^20/) as string,
				calls: 1,
			},
		]);
	});

	it('without an id or a status are read as far as they go', async () => {
		const rows = [null, {}, { id: 's', call_count: null, expires_at: null }];
		sandbox.fault({ on: 'GET /sessions', kind: 'body', body: JSON.stringify({ data: rows }) });
		expect(await makeClient(sandbox).apps.sessions()).toEqual([
			{ id: 's', appId: undefined, status: 'unknown', expiresAt: undefined, calls: 0 },
		]);
	});

	it('that are no list are an error', async () => {
		sandbox.fault({ on: 'GET /sessions', kind: 'body', body: '{"data":{}}', times: 9 });
		expect(await rejection(makeClient(sandbox).apps.sessions())).toBeInstanceOf(ProtocolError);
	});
});

it.each(['{}', '{"status":"ok"}', '{"data":{"success":true}}'])(
	"somebody else's answer is no app: %s",
	async (body) => {
		sandbox.fault({ on: 'GET /apps/*', kind: 'body', body, times: 9 });
		expect(await rejection(makeClient(sandbox).apps.get('sandbox/echo'))).toMatchObject({
			code: 'protocol',
			hint: expect.stringContaining('Base URL') as string,
		});
	},
);

describe('an app on the wire', () => {
	const input = { type: 'object', properties: { a: {} } };

	it('may have its schemas at the version only', () => {
		const app = appFromWire({ id: 'a', version: { input_schema: input, functions: null } });
		expect(app.functions).toEqual([
			{ name: 'run', description: undefined, input, output: undefined, streams: false },
		]);
		expect(functionOf(app, undefined)?.input).toBe(input);
	});

	it('may name its default function without listing any', () => {
		const app = appFromWire({ version: { input_schema: input, default_function: 'go' } });
		expect(functionOf(app, undefined)).toMatchObject({ name: 'go', input });
		expect(functionOf(app, 'go')?.input).toBe(input);
	});

	it('may have the schema of its default function at the version', () => {
		const functions = { go: {}, stop: {} };
		const app = appFromWire({
			version: { input_schema: input, default_function: 'go', functions },
		});
		expect(functionOf(app, undefined)?.input).toBe(input);
		expect(functionOf(app, 'stop')?.input).toBeUndefined();
	});

	it('has the first callable function as default if it names none', () => {
		const functions = { live: { kind: 'stream' }, go: {}, other: {} };
		expect(appFromWire({ version: { functions } }).defaultFunction).toBe('go');
		expect(appFromWire({ version: { functions: { ...functions, run: {} } } }).defaultFunction).toBe(
			'run',
		);
	});

	it('may be a version alone', () => {
		const app = appFromWire({ id: 'v', app_id: 'a', short_id: 's', input_schema: input });
		expect(app).toMatchObject({ id: 'a', versionIds: ['s', 'v'] });
		expect(functionOf(app, undefined)?.input).toBe(input);
	});

	it('has no setup parameters if their schema is empty', () => {
		const empty = { type: 'object', properties: {} };
		expect(appFromWire({ version: { setup_schema: empty } }).setup).toBeUndefined();
		expect(appFromWire({ version: { setup_schema: input } }).setup).toBe(input);
	});

	it('may be anything', () => {
		expect(appFromWire({})).toMatchObject({ id: undefined, setup: undefined, versionIds: [] });
	});
});
