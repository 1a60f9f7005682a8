/** What requests over n8n's helper leave behind on the signal that they run under. */
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { HelperTransport } from '../../../nodes/client/transport/helperTransport.ts';
import { CountedSource } from '../countedSource.mts';

const full = (body: unknown) => ({ statusCode: 200, headers: {}, body });

it.each<[end: string, answer: () => Promise<unknown>]>([
	['fails', () => Promise.reject(new Error('connect ECONNREFUSED'))],
	['is no stream', async () => full('text')],
	['is nothing', async () => undefined],
	['is read to its end', async () => full(Readable.from([Buffer.from('{}')]))],
])('nothing, if the answer %s, whether or not there is a grace', async (_end, answer) => {
	const transport = new HelperTransport(answer);
	for (const graceMs of [0, 1_000]) {
		const signal = new CountedSource();
		const request = {
			method: 'GET',
			url: 'http://127.0.0.1:9/x',
			headers: {},
			signal,
			graceMs,
		} as const;
		const times = { headersTimeoutMs: 1_000, silenceMs: 1_000 };
		const ended = transport.request({ ...request, ...times }).then(async ({ body }) => {
			await new Promise<void>((resolve) => {
				body.read({ piece: () => {}, end: resolve, fail: () => resolve() });
			});
			await new Promise(setImmediate);
		});
		await ended.catch(() => {});
		expect(signal.listening.size).toBe(0);
	}
});
