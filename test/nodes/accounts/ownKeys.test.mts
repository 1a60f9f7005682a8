/** Every item runs, is paid and is limited under the key that its credential gives for it. */
import type { IDataObject } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { NODE_NAME, type EngineRun } from '../../engine/engine.mts';
import {
	FROM_ITEM,
	jsonOf,
	objectIn,
	runApp,
	type RunAppOptions,
	useSandbox,
} from '../../engine/support.mts';
import { startSandbox, type Sandbox } from '../../sandbox/index.mts';
import { mostInFlight } from '../../mostInFlight.mts';
import { until } from '../../until.mts';
import { FROM_LIST, resultOf, runBatch } from '../Batch/support.mts';
import { EXISTING, streamTask } from '../StreamTask/support.mts';
import { binaryFiles, inMemory } from '../../shared/files/support.mts';
import { job, keyOfItem, keysOf, spyOnCredentials, tenantsOf, underOwnKeys } from './support.mts';

const sandbox = useSandbox();
const tenants = () => tenantsOf(sandbox());

type Runner = (service: Sandbox, options: RunAppOptions) => Promise<EngineRun>;

const NODES: ReadonlyArray<readonly [name: string, run: Runner]> = [
	['Run App', runApp],
	['Stream Task', streamTask],
	['Batch', runBatch],
];

/** The inputs of a workspace's tasks. */
const inputsOf = ({ tasks }: { tasks(): ReadonlyArray<{ readonly input: unknown }> }) =>
	tasks().map(({ input }) => input);

const wasCancelled = ({ cancelRequestedAt }: { readonly cancelRequestedAt?: number }) =>
	cancelRequestedAt !== undefined;

/** Texts for people: errors of items or of the run, and hints. */
function saidBy(run: EngineRun): string {
	const outputs = [0, 1, 2].flatMap((output) => jsonOf(run, output));
	const failures = outputs.map(({ error, details, errors }) => [error, details, errors]);
	const { message, description, stack } = run.error ?? {};
	return JSON.stringify([failures, run.hints(NODE_NAME), message, description, stack]);
}

describe.each(NODES)('%s', (_name, run) => {
	it('runs every item in the account of its own key', async () => {
		const { a, b } = tenants();
		const items = [a, b, b, a, b].map((tenant, n) => job(tenant, 'sandbox/echo', { n }));
		const result = await run(sandbox(), { ...underOwnKeys(sandbox()), items });
		expect(result.error).toBeUndefined();
		expect(jsonOf(result).map(({ output }) => output)).toEqual(
			items.map(({ input }) => ({ echo: input })),
		);
		expect(inputsOf(a)).toEqual([{ n: 0 }, { n: 3 }]);
		expect(inputsOf(b)).toEqual([{ n: 1 }, { n: 2 }, { n: 4 }]);
		expect(sandbox().tasks()).toEqual([]);
	});

	it('sends every item to the base URL of its own credential', async () => {
		const other = await startSandbox();
		try {
			const items = [other, sandbox(), other].map(({ apiKey, url }, n) => ({
				...job({ apiKey }, 'sandbox/echo', { n }),
				url,
			}));
			const credentials = { apiKey: '={{ $json.key }}', baseUrl: '={{ $json.url }}' };
			const result = await run(sandbox(), { ...FROM_ITEM, credentials, items });
			expect(result.error).toBeUndefined();
			expect(inputsOf(other)).toEqual([{ n: 0 }, { n: 2 }]);
			expect(inputsOf(sandbox())).toEqual([{ n: 1 }]);
		} finally {
			await other.close();
		}
	});

	it('cancels every task at a Stop with the key that started it', async () => {
		const { a, b } = tenants();
		const items = [job(a, 'sandbox/manual'), job(b, 'sandbox/manual'), job(b, 'sandbox/manual')];
		const result = await run(sandbox(), {
			...underOwnKeys(sandbox()),
			items,
			cancelAfter: until(() => a.running().length === 1 && b.running().length === 2),
		});
		expect(result.status).toBe('canceled');
		expect([...a.tasks(), ...b.tasks()].every(wasCancelled)).toBe(true);
		expect(keysOf(sandbox(), 'POST', /\/cancel$/).sort()).toEqual(
			[a, b, b].map(({ apiKey }) => apiKey),
		);
	});

	it('looks for a lost submission in the account of its item', async () => {
		const { a, b } = tenants();
		sandbox().fault({ on: 'POST /apps/run', kind: 'reset', when: 'after', key: b.apiKey });
		const items = [a, b].map((tenant) => job(tenant, 'sandbox/echo', { text: 'the same' }));
		const result = await run(sandbox(), { ...underOwnKeys(sandbox()), items });
		expect(result.error).toBeUndefined();
		expect([a, b].map((tenant) => tenant.tasks().length)).toEqual([1, 1]);
		expect(jsonOf(result).map(({ id }) => id)).toEqual([a, b].map((one) => one.tasks()[0]?.id));
		expect(new Set(keysOf(sandbox(), 'POST', /^\/tasks\/list$/))).toEqual(new Set([b.apiKey]));
	});

	it('limits each account for itself, as its credential says', async () => {
		const { a, b } = tenants();
		const credentials = { ...keyOfItem(sandbox()), maxConcurrency: '={{ $json.most }}' };
		const items = [1, 2, 3, 4].flatMap((n) => [
			{ ...job(a, 'sandbox/manual', { n }), most: 1 },
			{ ...job(b, 'sandbox/manual', { n }), most: 3 },
		]);
		const finished = run(sandbox(), {
			...FROM_ITEM,
			credentials,
			items,
			parameters: { ...FROM_ITEM.parameters, concurrency: 8 },
		});
		for (let left = items.length; left > 0; left -= 1) {
			await until(() => a.running().length + b.running().length > 0);
			const [next] = [...b.running(), ...a.running()];
			sandbox().finishTask(next?.id ?? '');
		}
		expect((await finished).error).toBeUndefined();
		expect(mostInFlight(a)).toBe(1);
		expect(mostInFlight(b)).toBeLessThanOrEqual(3);
		expect([a, b].map((tenant) => tenant.tasks().length)).toEqual([4, 4]);
	});

	it('makes only that account wait which the service slows down', async () => {
		const { a, b } = tenants();
		sandbox().fault({
			on: 'POST /apps/run',
			kind: 'status',
			status: 429,
			headers: { 'retry-after': '60' },
			key: a.apiKey,
		});
		const items = [job(a), job(b), job(b), job(b)];
		const result = await run(sandbox(), {
			...underOwnKeys(sandbox()),
			items,
			cancelAfter: until(() => b.tasks().filter(({ finishedAt }) => finishedAt).length >= 3),
		});
		expect(result.status).toBe('canceled');
		expect(a.tasks()).toEqual([]);
		expect(
			keysOf(sandbox(), 'POST', /^\/apps\/run$/).filter((key) => key === a.apiKey),
		).toHaveLength(1);
	});

	it('asks what the items cost in their own accounts, and adds it up', async () => {
		const { a, b } = tenants();
		// A run of it costs one cent.
		const items = [a, b, a].map((tenant) => job(tenant, 'sandbox/echo'));
		const result = await run(sandbox(), {
			...underOwnKeys(sandbox()),
			items,
			options: { maxCost: 0.025 },
		});
		expect(result.error?.message).toContain('estimated to cost $0.0300');
		const asked = keysOf(sandbox(), 'POST', /\/estimate$/);
		expect(asked.sort()).toEqual([a, a, b].map(({ apiKey }) => apiKey));
		expect([...a.tasks(), ...b.tasks()]).toEqual([]);
	});

	it('starts nothing under an account whose cost cannot be asked for, and goes on with others', async () => {
		const { b } = tenants();
		const revoked = { apiKey: 'inf_sandbox_revoked' };
		const result = await run(sandbox(), {
			...underOwnKeys(sandbox()),
			items: [revoked, b, revoked, b].map((tenant) => job(tenant)),
			options: { maxCost: 1 },
			onError: 'continueRegularOutput',
		});
		expect(saidBy(result)).toContain(
			'Nothing was started, because \\"Limit: Max Cost (USD)\\" is set',
		);
		expect(saidBy(result)).not.toContain('inf_sandbox');
		expect(b.tasks()).toHaveLength(2);
		expect(keysOf(sandbox(), 'POST', /^\/apps\/run$/)).toEqual([b.apiKey, b.apiKey]);
	});

	it('reads forms in the account of the item', async () => {
		const { a, b } = tenants();
		const result = await run(sandbox(), {
			credentials: keyOfItem(sandbox()),
			app: 'sandbox/echo',
			items: [a, b, a].map(({ apiKey: key }) => ({ key })),
			parameters: {
				inputMode: 'fields',
				fields: { mappingMode: 'defineBelow', value: { text: 'x' } },
			},
		});
		expect(result.error).toBeUndefined();
		expect(keysOf(sandbox(), 'GET', /^\/apps\/sandbox\/echo$/).sort()).toEqual([
			a.apiKey,
			b.apiKey,
		]);
	});

	it('uploads a file for each account, and never refers to that of another', async () => {
		const { a, b } = tenants();
		const file = inMemory(Buffer.from('the same bytes'));
		const result = await run(sandbox(), {
			credentials: keyOfItem(sandbox()),
			app: 'sandbox/file-info',
			items: [a, b, a, b].map(({ apiKey: key }) => ({ json: { key }, binary: { file } })),
			parameters: { inputMode: 'json', jsonInput: '{}', ...binaryFiles({ file: 'file' }) },
		});
		expect(result.error).toBeUndefined();
		expect(keysOf(sandbox(), 'POST', /^\/files$/).sort()).toEqual([a.apiKey, b.apiKey]);
		const uris = [a, b].map(
			(tenant) => new Set(inputsOf(tenant).map((input) => JSON.stringify(input))),
		);
		expect(uris.map(({ size }) => size)).toEqual([1, 1]);
		expect(new Set(uris.flatMap((set) => [...set])).size).toBe(2);
	});

	it('asks for the credential of an item when its turn comes, and once', async () => {
		const { a, b } = tenants();
		const asked: Array<number | undefined> = [];
		const finished = run(sandbox(), {
			...underOwnKeys(sandbox()),
			items: [a, b, a].map((tenant) => job(tenant, 'sandbox/manual')),
			parameters: { ...FROM_ITEM.parameters, concurrency: 1 },
			adjustContext: spyOnCredentials((item) => asked.push(item)),
		});
		for (const [index, tenant] of [a, b, a].entries()) {
			await until(() => tenant.running().length === 1);
			expect(asked).toEqual([0, 1, 2].slice(0, index + 1));
			sandbox().finishTask(tenant.running()[0]?.id ?? '');
		}
		expect((await finished).error).toBeUndefined();
		expect(asked).toEqual([0, 1, 2]);
	});
});

describe.each(NODES.slice(0, 2))('Retry On Fail of %s', (_name, run) => {
	it('follows with the key that began, and asks anew for what never began', async () => {
		const { a, b } = tenants();
		let tries = 0;
		const secondKey = async (_item: number, given: () => Promise<IDataObject>) =>
			tries > 1 ? { ...(await given()), apiKey: b.apiKey } : await given();
		const spy = spyOnCredentials(() => {}, secondKey);
		sandbox().fault({ on: 'POST /apps/run', kind: 'status', status: 400, key: a.apiKey, skip: 1 });
		const finished = run(sandbox(), {
			...underOwnKeys(sandbox()),
			retryOnFail: true,
			maxTries: 2,
			items: [job(a, 'sandbox/manual'), job(a, 'sandbox/echo', { text: 'again' })],
			adjustContext: (context) => {
				tries += 1;
				spy(context);
			},
		});
		await until(() => b.tasks().length >= 1);
		sandbox().finishTask(a.running()[0]?.id ?? '', { output: { begun: 'by a' } });
		const result = await finished;
		expect(result.error).toBeUndefined();
		expect(jsonOf(result).map(({ output }) => output)).toEqual([
			{ begun: 'by a' },
			{ echo: { text: 'again' } },
		]);
		expect(inputsOf(a)).toEqual([{ of: a.apiKey }]);
		expect(inputsOf(b)).toEqual([{ text: 'again' }]);
	});

	it('cancels at a Stop between two tries with the key that began', async () => {
		const { a, b } = tenants();
		const stop = new AbortController();
		let tries = 0;
		const spy = spyOnCredentials(
			() => {},
			async (_item, given) =>
				tries > 1 ? { ...(await given()), apiKey: b.apiKey } : await given(),
		);
		const stopped = new Promise<void>((resolve) => {
			stop.signal.addEventListener('abort', () => resolve());
		});
		sandbox().fault({ on: 'POST /apps/run', kind: 'status', status: 400, key: a.apiKey, skip: 1 });
		const result = await run(sandbox(), {
			...underOwnKeys(sandbox()),
			retryOnFail: true,
			maxTries: 2,
			items: [job(a, 'sandbox/manual'), job(a)],
			cancelAfter: stopped,
			adjustContext: (context) => {
				tries += 1;
				spy(context);
				if (tries > 1) stop.abort();
			},
		});
		expect(result.status).toBe('canceled');
		expect(a.tasks().map(wasCancelled)).toEqual([true]);
		expect(keysOf(sandbox(), 'POST', /\/cancel$/)).toEqual([a.apiKey]);
	});
});

describe('Stream Task of existing tasks', () => {
	it('follows each one with the key of its item', async () => {
		const { a, b } = tenants();
		await runApp(sandbox(), {
			...underOwnKeys(sandbox()),
			items: [job(a, 'sandbox/manual'), job(b, 'sandbox/manual')],
			parameters: { ...FROM_ITEM.parameters, wait: 'none' },
		});
		const ids = [a, b].map((tenant) => tenant.running()[0]?.id ?? '');
		for (const id of ids) sandbox().finishTask(id, { output: { id } });
		const result = await streamTask(sandbox(), {
			credentials: keyOfItem(sandbox()),
			parameters: EXISTING,
			items: [a, b].map(({ apiKey: key }, n) => ({ key, task: ids[n] })),
		});
		expect(result.error).toBeUndefined();
		expect(jsonOf(result).map(({ output }) => output)).toEqual(ids.map((id) => ({ id })));
	});

	it('does not see a task with the key of another item', async () => {
		const { a, b } = tenants();
		await runApp(sandbox(), {
			...underOwnKeys(sandbox()),
			items: [job(a, 'sandbox/manual')],
			parameters: { ...FROM_ITEM.parameters, wait: 'none' },
		});
		const task = a.running()[0]?.id;
		const result = await streamTask(sandbox(), {
			credentials: keyOfItem(sandbox()),
			parameters: EXISTING,
			items: [{ key: b.apiKey, task }],
			onError: 'continueRegularOutput',
		});
		expect(objectIn(jsonOf(result)[0], 'details')['code']).toBe('not_found');
	});
});

describe('Batch over lists', () => {
	it('runs the elements of a list under the key of its item, which is asked for once', async () => {
		const { a, b } = tenants();
		const asked: Array<number | undefined> = [];
		const result = await runBatch(sandbox(), {
			credentials: keyOfItem(sandbox()),
			parameters: { ...FROM_LIST, concurrency: 4 },
			items: [
				{ key: a.apiKey, rows: [{ n: 1 }, { n: 2 }, { n: 3 }] },
				{ key: 7, rows: [{ n: 4 }, { n: 5 }] },
				{ key: b.apiKey, rows: [{ n: 6 }] },
			],
			adjustContext: spyOnCredentials((item) => asked.push(item)),
		});
		const { succeeded, failed, summary } = resultOf(result);
		expect(inputsOf(a)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
		expect(inputsOf(b)).toEqual([{ n: 6 }]);
		expect(succeeded).toHaveLength(4);
		expect(failed.map(({ json }) => json['item'])).toEqual([{ n: 4 }, { n: 5 }]);
		expect(summary).toMatchObject({ total: 6, succeeded: 4, failed: 2, stopped_by: null });
		expect(asked).toEqual([0, 1, 2]);
	});
});

describe('Batch whose service fails', () => {
	const revoked = { apiKey: 'inf_sandbox_revoked' };

	it('leaves out the items of a key that is not accepted, and no others', async () => {
		const { b } = tenants();
		const items = [revoked, b, revoked, b, revoked, b].map((tenant, n) =>
			job(tenant, 'sandbox/echo', { n }),
		);
		const result = await runBatch(sandbox(), {
			...underOwnKeys(sandbox()),
			items,
			parameters: { ...FROM_ITEM.parameters, concurrency: 1 },
		});
		const { failed, summary } = resultOf(result);
		expect(inputsOf(b)).toEqual([{ n: 1 }, { n: 3 }, { n: 5 }]);
		expect(failed.map(({ json }) => json['status'])).toEqual([
			'failed',
			'not_started',
			'not_started',
		]);
		expect(summary).toMatchObject({ succeeded: 3, not_started: 2, stopped_by: 'circuit_breaker' });
		expect(keysOf(sandbox(), 'POST', /^\/apps\/run$/)).toHaveLength(4);
	});

	it('goes on with others when one account has no money', async () => {
		const { a, b } = tenants();
		sandbox().fault({
			on: 'POST /apps/run',
			kind: 'status',
			status: 402,
			key: a.apiKey,
			times: 99,
		});
		const items = [a, a, a, b, a, b].map((tenant, n) => job(tenant, 'sandbox/echo', { n }));
		const result = await runBatch(sandbox(), {
			...underOwnKeys(sandbox()),
			items,
			parameters: { ...FROM_ITEM.parameters, concurrency: 1 },
			options: { stopAfterFailures: 2 },
		});
		expect(resultOf(result).summary).toMatchObject({ succeeded: 2, failed: 2, not_started: 2 });
		expect(inputsOf(b)).toEqual([{ n: 3 }, { n: 5 }]);
	});

	it('stops for all accounts when the service itself is down', async () => {
		const keys = Array.from({ length: 9 }, (_, n) => sandbox().workspace(`inf_sandbox_${n}`));
		sandbox().fault({ on: 'POST /apps/run', kind: 'status', status: 500, times: 99 });
		const result = await runBatch(sandbox(), {
			...underOwnKeys(sandbox()),
			items: keys.map((tenant) => job(tenant)),
			parameters: { ...FROM_ITEM.parameters, concurrency: 1, maxRetries: 0 },
			options: { stopAfterFailures: 3, onUnclearSubmit: 'fail' },
		});
		expect(resultOf(result).summary).toMatchObject({ failed: 3, not_started: 6 });
		expect(keysOf(sandbox(), 'POST', /^\/apps\/run$/)).toHaveLength(3);
	});

	it('fails as a whole if no item has a credential that can be used', async () => {
		const options = {
			...underOwnKeys(sandbox()),
			items: [job({ apiKey: '' }), job({ apiKey: ' ' })],
		};
		const stopped = await runBatch(sandbox(), options);
		expect(stopped.error?.message).toBe('The Inference.sh credential has no API key [item 0]');
		const result = await runBatch(sandbox(), { ...options, onError: 'continueRegularOutput' });
		expect(resultOf(result).summary).toMatchObject({ total: 2, failed: 2 });
		expect(sandbox().requests).toEqual([]);
	});
});
