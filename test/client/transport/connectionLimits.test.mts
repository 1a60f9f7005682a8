/** How many connections there are at once, and that nothing waits behind what is not its kind. */
import { afterEach, describe, expect, it } from 'vitest';
import { connectionLimits } from '../../../nodes/client/transport/connectionLimits.ts';
import { until } from '../../until.mts';
import { useSandbox } from '../../useSandbox.mts';
import { makeClient, passing, rejection, runOne, TRANSPORTS } from '../support.mts';
import { saysNothing, serverThat } from './servers.mts';

const sandbox = useSandbox();
const never = new AbortController().signal;
const manual = (item: number) => ({ app: 'sandbox/manual', input: { item } });

afterEach(() => {
	connectionLimits.streams.limitTo(200);
	connectionLimits.transfers.limitTo(100);
});

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	const client = (signal = never) => makeClient(sandbox(), { transport: makeTransport(), signal });
	const streams = () => sandbox().count('GET', /\/stream$/);
	const finish = (id = 'none') => sandbox().finishTask(id, { output: id });

	it('tasks above the number of streams are polled, and get a stream when one is free', async () => {
		connectionLimits.streams.limitTo(2);
		const runs = Promise.all([0, 1, 2, 3, 4, 5].map((item) => runOne(client(), manual(item))));
		await until(() => streams() === 2 && sandbox().running().length === 6);
		const ids = sandbox()
			.running()
			.map(({ id }) => id);
		const streamed = new Set(
			sandbox()
				.requests.filter(({ path }) => path.endsWith('/stream'))
				.map(({ path }) => path.split('/')[2]),
		);
		const [polled, ...others] = ids.filter((id) => !streamed.has(id));
		// One of those without a stream ends, and is known to have.
		finish(polled);
		const isRead = () => sandbox().count('GET', `/tasks/${String(polled)}`) > 0;
		await passing(until(isRead));
		expect(streams()).toBe(2);
		// One of those with a stream ends, and another one gets it.
		finish([...streamed][0]);
		await passing(until(() => streams() === 3));
		for (const id of [...others, [...streamed][1]]) finish(id);
		const results = await passing(runs);
		expect(results.map(({ task }) => task.output).sort()).toEqual([...ids].sort());
		expect(connectionLimits.streams).toMatchObject({ taken: 0, waiting: 0 });
	});

	it('a task that waits for a stream can be stopped, and leaves no trace', async () => {
		connectionLimits.streams.limitTo(1);
		const stop = new AbortController();
		const run = async (item: number) =>
			await rejection(runOne(client(), manual(item), { signal: stop.signal }));
		const ends = Promise.all([0, 1, 2].map(run));
		await until(() => streams() === 1 && sandbox().running().length === 3);
		stop.abort();
		for (const end of await passing(ends)) expect(String(end)).toMatch(/The task was cancelled/);
		expect(sandbox().running()).toEqual([]);
		expect(connectionLimits.streams).toMatchObject({ taken: 0, waiting: 0 });
	});

	it('at most 100 requests are under way to an origin, and cancelling does not wait', async () => {
		const server = await serverThat(saysNothing);
		const transport = makeTransport();
		const stop = new AbortController();
		const { signal } = stop;
		const url = `http://127.0.0.1:${server.port}/`;
		const times = { headersTimeoutMs: 600_000, silenceMs: 600_000 };
		const get = { method: 'GET', url, headers: {}, signal, ...times } as const;
		const asked = Array.from({ length: 150 }, async () => await rejection(transport.request(get)));
		await until(() => server.open() === 100);
		const cancel = rejection(transport.request({ ...get, method: 'POST', purpose: 'cancel' }));
		await until(() => server.open() === 101);
		const reason = new Error('stopped');
		stop.abort(reason);
		expect(new Set(await Promise.all([...asked, cancel]))).toEqual(new Set([reason]));
		await until(() => server.open() === 0);
		expect(server.opened()).toBe(101);
	});
});
