/** What a thousand requests leave behind on the one signal of a node's run. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../../nodes/client/transport/body.ts';
import type { Transport } from '../../../nodes/client/transport/transport.ts';
import { outcomeOf } from '../../../nodes/client/util/outcome.ts';
import { until } from '../../until.mts';
import { TRANSPORTS } from '../support.mts';
import { answers, closesAtOnce, closesWhenAsked, serverThat } from './servers.mts';

/** A thousand requests over each transport. */
const EACH = 250;
const AT_ONCE = 25;

const head = (length: number) =>
	`HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${length}\r\n\r\n`;
const ENDS = [
	['answered', answers(`${head(2)}{}`), true],
	['answered with less than was promised', answers(`${head(99)}{}`), false],
	['cut off before the answer', closesWhenAsked, false],
	['cut off before they were sent', closesAtOnce, false],
] as const;

/** Reads answers under one signal; says how many came whole. */
async function readMany(transport: Transport, port: number, signal: AbortSignal): Promise<number> {
	let whole = 0;
	let left = EACH;
	const worker = async () => {
		while (left > 0) {
			left -= 1;
			const answer = transport.request({
				method: 'GET',
				url: `http://127.0.0.1:${port}/x`,
				headers: {},
				signal,
				headersTimeoutMs: 30_000,
				silenceMs: 30_000,
			});
			if ((await outcomeOf(answer.then(readAnswer))).ok) whole += 1;
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, worker));
	return whole;
}

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	it('no listener, whether requests are answered, fail or break off', async () => {
		const { signal } = new AbortController();
		const transport = makeTransport();
		for (const [end, act, isWhole] of ENDS) {
			const { port } = await serverThat(act);
			expect([end, await readMany(transport, port, signal)]).toEqual([end, isWhole ? EACH : 0]);
			await until(() => getEventListeners(signal, 'abort').length === 0);
		}
	});

	it('no listener, if they are all ended by it', async () => {
		const run = new AbortController();
		const { port, opened } = await serverThat((socket) => void socket.resume());
		const read = readMany(makeTransport(), port, run.signal);
		await until(() => opened() === AT_ONCE);
		run.abort(new Error('the run is over'));
		expect(await read).toBe(0);
		await until(() => getEventListeners(run.signal, 'abort').length === 0);
	});
});
