/** Whose result is it? Items that are nearly equal, and submissions whose answers get lost. */
import type { IDataObject } from 'n8n-workflow';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { host } from '../../engine/host.mts';
import {
	clock,
	credentialsOf,
	jsonOf,
	objectIn,
	runApp,
	submissions,
	useSandbox,
} from '../../engine/support.mts';
import { startSandbox, type SandboxApp } from '../../sandbox/index.mts';

vi.mock('../../../nodes/client/transport/undiciTransport.ts', async (original) => {
	const { ofHost } = await import('../../engine/host.mts');
	return await ofHost(async () => await original());
});

const free = { type: 'object', properties: {} };
const plain = { input: free, output: free };
const functions = { run: plain, other: plain };

/** Says which version, function, setup and session has answered. */
const answering = (version: string): Pick<SandboxApp, 'functions' | 'setup' | 'run'> => ({
	functions,
	setup: free,
	run(job) {
		const { functionName, setup } = job;
		job.finish({ version, function: functionName, setup, input: job.input });
	},
});

const sandbox = useSandbox({
	apps: [
		{
			namespace: 'sandbox',
			name: 'versions',
			title: 'Versions',
			description: 'Has four versions, two functions and a setup.',
			category: 'text',
			...answering('v4'),
			older: [answering('v3'), answering('v2'), answering('v1')],
		},
	],
});

/** Short ids of the four versions, the oldest first. */
async function versionIds(): Promise<readonly string[]> {
	const { url, apiKey } = sandbox();
	const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
	const read = async (path: string, body?: object): Promise<IDataObject> => {
		const method = body ? 'POST' : 'GET';
		const answer = await fetch(url + path, {
			method,
			headers,
			...(body ? { body: JSON.stringify(body) } : {}),
		});
		return objectIn((await answer.json()) as IDataObject, 'data');
	};
	const app = await read('/apps/sandbox/versions');
	const list = await read(`/apps/${String(app['id'])}/versions/list`, {});
	return (list['items'] as IDataObject[]).map((version) => String(version['short_id'])).reverse();
}

const REF = 'sandbox/versions';
const fields = (output: IDataObject | undefined, ...names: string[]) =>
	Object.fromEntries(names.map((name) => [name, objectIn(output, 'output')[name]]));

/** The first submission creates nothing; the others are accepted, but their answers take a while. */
function loseFirst(): void {
	sandbox().fault({ on: 'POST /apps/run', kind: 'status', status: 502 });
	sandbox().fault({
		on: 'POST /apps/run',
		kind: 'delay',
		ms: 150,
		when: 'after',
		skip: 1,
		times: 99,
	});
}

/** Both submissions are accepted, and both answers are lost. */
function loseBoth(): void {
	sandbox().fault({ on: 'POST /apps/run', kind: 'statusAfter', status: 502, times: 2 });
}

describe.each([
	['undici', true],
	["n8n's HTTP helper", false],
])('over %s', (_name, undici) => {
	beforeEach(() => {
		host.undici = undici;
	});

	it('one prompt over four versions: each item has the result of its own', async () => {
		const versions = await versionIds();
		loseFirst();
		const run = await runApp(sandbox(), {
			app: '={{ $json.app }}',
			parameters: { inputMode: 'json', jsonInput: '{"prompt":"a red boat"}', concurrency: 4 },
			items: versions.map((id) => ({ app: `${REF}@${id}` })),
		});
		expect(jsonOf(run).map((json) => fields(json, 'version'))).toEqual(
			['v1', 'v2', 'v3', 'v4'].map((version) => ({ version })),
		);
		expect(sandbox().tasks()).toHaveLength(4);
	});

	it('one prompt with and without a version: each item has the result of its own', async () => {
		const [oldest = ''] = await versionIds();
		loseFirst();
		const run = await runApp(sandbox(), {
			app: '={{ $json.app }}',
			parameters: { inputMode: 'json', jsonInput: '{"prompt":"a red boat"}', concurrency: 4 },
			items: [{ app: REF }, { app: `${REF}@${oldest}` }, { app: REF }],
		});
		expect(jsonOf(run).map((json) => fields(json, 'version'))).toEqual([
			{ version: 'v4' },
			{ version: 'v1' },
			{ version: 'v4' },
		]);
		expect(sandbox().tasks()).toHaveLength(3);
		expect(new Set(jsonOf(run).map(({ id }) => id)).size).toBe(3);
	});

	it('one prompt for two functions: each item has the result of its own', async () => {
		loseFirst();
		const run = await runApp(sandbox(), {
			app: '={{ $json.app }}',
			parameters: { inputMode: 'json', jsonInput: '{"prompt":"a red boat"}', concurrency: 4 },
			items: [{ app: `${REF}:other` }, { app: `${REF}:run` }, { app: REF }],
		});
		expect(jsonOf(run).map((json) => fields(json, 'function'))).toEqual([
			{ function: 'other' },
			{ function: 'run' },
			{ function: 'run' },
		]);
		expect(sandbox().tasks()).toHaveLength(3);
	});

	it('one prompt with two setups, both answers lost: no result is swapped', async () => {
		// The service's clock is known then. While one item asked for it, the other one's pause would
		// move the test's clock on.
		await runApp(sandbox(), { app: REF, items: [{ prompt: 'first' }] });
		loseBoth();
		const run = await runApp(sandbox(), {
			app: REF,
			parameters: { inputMode: 'json', jsonInput: '{"prompt":"a red boat"}' },
			options: { setup: '={{ JSON.stringify($json) }}' },
			items: [{ model: 'big' }, { model: 'small' }],
		});
		expect(jsonOf(run).map((json) => fields(json, 'setup'))).toEqual([
			{ setup: { model: 'big' } },
			{ setup: { model: 'small' } },
		]);
		expect(sandbox().tasks()).toHaveLength(3);
	});

	it.each([
		{ hidden: 'setup', options: { setup: '={{ $json.setup }}' }, of: { setup: '{"size":"big"}' } },
		{ hidden: 'function', options: { function: '={{ $json.entry }}' }, of: { entry: 'other' } },
		{ hidden: 'infra', options: { infra: '={{ $json.infra }}' }, of: { infra: 'private' } },
	])(
		'a service that hides $hidden, both answers lost: no item has what may be the other’s',
		async ({ hidden, options, of }) => {
			sandbox().configure({ hiddenFields: [hidden] });
			for (const items of [
				[{}, of],
				[of, {}],
			]) {
				loseBoth();
				const run = await runApp(sandbox(), {
					app: REF,
					items,
					options,
					parameters: { concurrency: 2, inputMode: 'json', jsonInput: '{"prompt":"one"}' },
					onError: 'continueRegularOutput',
				});
				for (const json of jsonOf(run)) {
					expect(json).toMatchObject({ details: { code: 'submission_unknown' } });
				}
			}
			sandbox().configure({ hiddenFields: [] });
		},
	);

	it('one prompt in two sessions, both answers lost: no result is swapped', async () => {
		const sessions = await runApp(sandbox(), {
			app: 'sandbox/counter',
			items: [{}, {}],
			options: { session: 'new' },
		});
		const ids = jsonOf(sessions).map((json) => String(json['session_id']));
		loseBoth();
		const run = await runApp(sandbox(), {
			app: 'sandbox/counter',
			parameters: { inputMode: 'json', jsonInput: '{}' },
			items: ids.map((id) => ({ id })),
			options: { session: '={{ $json.id }}' },
		});
		expect(jsonOf(run).map((json) => json['session_id'])).toEqual(ids);
		expect(sandbox().tasks()).toHaveLength(4);
	});

	it('an equal task that somebody else has started just before is not taken', async () => {
		const input = { prompt: 'a red boat' };
		await runApp(sandbox(), { app: REF, items: [{ prompt: 'first' }] });
		const { url, apiKey } = sandbox();
		const other = await fetch(`${url}/apps/run`, {
			method: 'POST',
			headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
			body: JSON.stringify({ app: REF, input }),
		});
		const theirs = objectIn((await other.json()) as IDataObject, 'data')['id'];
		await clock.pass(1_200);
		sandbox().fault({ on: 'POST /apps/run', kind: 'reset', when: 'before' });
		const run = await runApp(sandbox(), { app: REF, items: [input] });
		expect(jsonOf(run)[0]?.['id']).not.toBe(theirs);
		expect(jsonOf(run)).toMatchObject([{ status: 'completed' }]);
	});

	it('a text with half an emoji is sent whole, and its task is found', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'statusAfter', status: 502 });
		const run = await runApp(sandbox(), { app: REF, items: [{ text: 'cut \ud83d' }] });
		expect(jsonOf(run)).toMatchObject([{ output: { input: { text: 'cut \ufffd' } } }]);
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('Retry On Fail looks for what was sent, not for what the expressions give now', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'statusAfter', status: 502 });
		sandbox().fault({ on: 'POST /tasks/list', kind: 'status', status: 500, times: 4 });
		const run = await runApp(sandbox(), {
			app: REF,
			parameters: { inputMode: 'json', jsonInput: '={{ JSON.stringify({ at: Math.random() }) }}' },
			options: { maxRetries: 0 },
			retryOnFail: true,
		});
		expect(run.status).toBe('success');
		expect(sandbox().tasks()).toHaveLength(1);
		expect(jsonOf(run)[0]?.['id']).toBe(sandbox().tasks()[0]?.id);
	});

	it('two keys of one workspace do not take each other’s tasks', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'delay', ms: 150, when: 'after', times: 1 });
		sandbox().fault({ on: 'POST /apps/run', kind: 'status', status: 502, skip: 1 });
		const items = [{ prompt: 'a red boat' }];
		const [one, other] = await Promise.all([
			runApp(sandbox(), { app: REF, items }),
			new Promise((resolve) => setTimeout(resolve, 50)).then(
				async () =>
					await runApp(sandbox(), {
						app: REF,
						items,
						credentials: { ...credentialsOf(sandbox()), baseUrl: `${sandbox().url}/` },
					}),
			),
		]);
		expect(jsonOf(one)[0]?.['id']).not.toBe(jsonOf(other)[0]?.['id']);
		expect(submissions(sandbox())).toHaveLength(3);
		expect(sandbox().tasks()).toHaveLength(2);
	});

	describe('what the service shows in another form', () => {
		/** Submissions of the item, whose answer got lost although its task was started. */
		async function lost(items: IDataObject[]): Promise<void> {
			// Something that the service has told about its clock, if it does.
			await runApp(sandbox(), { app: 'sandbox/instant', items: [{ text: 'before' }] });
			sandbox().fault({ on: 'POST /apps/run', kind: 'statusAfter', status: 502 });
			const run = await runApp(sandbox(), { items, onError: 'continueRegularOutput' });
			const tasks = sandbox().tasks();
			expect(tasks).toHaveLength(2);
			const [json] = jsonOf(run);
			if (json?.['error'] === undefined) expect(json?.['id']).toBe(tasks[1]?.id);
			else {
				expect(json).toMatchObject({ details: { code: 'submission_unknown' } });
				expect(json['error']).toContain(tasks[1]?.id);
			}
		}

		it.each([
			['an app that fills in defaults', { inputsAs: 'defaults' }],
			['an app that drops nulls', { inputsAs: 'withoutNulls' }],
			['an input that is not shown', { inputsAs: 'hidden' }],
			['creation times without a zone', { timesAs: 'bare' }],
			['creation times that are seconds late', { stampsLateMs: 4_000 }],
			['answers without a date', { dateHeader: false }],
			['none of all that', { timesAs: 'bare', dateHeader: false, inputsAs: 'hidden' }],
		] as const)('%s: nothing is bought twice', async (_what, settings) => {
			sandbox().configure(settings);
			await lost([{ text: 'x', image: null }]);
		});

		it.each([
			['creation times without a zone', { timesAs: 'bare' }],
			['creation times that are seconds late', { stampsLateMs: 4_000 }],
			['answers without a date', { dateHeader: false }],
		] as const)(
			'%s, of a service that is new here: nothing is bought twice',
			async (_what, settings) => {
				const fresh = await startSandbox(settings);
				try {
					fresh.fault({ on: 'POST /apps/run', kind: 'statusAfter', status: 502 });
					const run = await runApp(fresh, {
						items: [{ text: 'x' }],
						onError: 'continueRegularOutput',
					});
					expect(fresh.tasks()).toHaveLength(1);
					expect(jsonOf(run)).toMatchObject([{ details: { code: 'submission_unknown' } }]);
				} finally {
					await fresh.close();
				}
			},
		);
	});

	it('the very first submission is found, with no clock to go by but the dates of answers', async () => {
		const fresh = await startSandbox();
		try {
			fresh.fault({ on: 'POST /apps/run', kind: 'statusAfter', status: 502 });
			const run = await runApp(fresh, { app: 'sandbox/echo', items: [{ text: 'x' }] });
			expect(jsonOf(run)).toMatchObject([{ id: fresh.tasks()[0]?.id, status: 'completed' }]);
			expect(fresh.tasks()).toHaveLength(1);
		} finally {
			await fresh.close();
		}
	});
});
