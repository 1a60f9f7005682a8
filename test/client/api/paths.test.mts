/** Ids that would lead a request, and the key with it, to another place than they name. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CancelSource } from '../../../nodes/client/util/cancelSignal.ts';
import { ValidationError } from '../../../nodes/client/errors.ts';
import { outcomeOf } from '../../../nodes/client/util/outcome.ts';
import { path } from '../../../nodes/client/api/api.ts';
import { startFileHost, type FileHost } from '../../sandbox/index.mts';
import { makeClient, rejection } from '../support.mts';

let host: FileHost;
beforeEach(async () => {
	host = await startFileHost();
});
afterEach(async () => await host.close());

const STRANGE = [
	'',
	'.',
	'..',
	'../x',
	'a/b',
	'a\\b',
	'%2e%2e',
	'a%2Fb',
	'a?b',
	'a#b',
	'a\nb',
	'a\0',
];

describe('an ID that is', () => {
	it.each(STRANGE)('%j is refused before anything is sent', async (id) => {
		const { tasks, agents } = makeClient({ url: host.url, apiKey: 'inf_sandbox_key' });
		const signal = new CancelSource();
		const decision = { kind: 'approve' } as const;
		const options = {
			signal,
			onInterrupt: 'return',
			onProgress: () => {},
			progress: { state: 'none' },
			observer: {},
		} as const;
		const asked: ReadonlyArray<() => Promise<unknown>> = [
			async () => await tasks.status(id),
			async () => await tasks.get(id),
			async () => await agents.chat(id, signal),
			async () => await agents.stop(id, signal),
			async () => await agents.respond({ chatId: id, callId: 'c', decision }, options),
		];
		for (const ask of asked) expect(await rejection(ask())).toBeInstanceOf(ValidationError);
		await outcomeOf(tasks.cancel(id));
		expect(host.requests).toEqual([]);
	});

	it.each(['task_1', 'a.b', '...', 'a b', '猫', 'a:b@c', 'x+y=z~!*()'])('%j passes', (id) => {
		const { pathname } = new URL(`http://host${path('tasks', id, 'status')}`);
		expect(pathname.split('/').map(decodeURIComponent)).toEqual(['', 'tasks', id, 'status']);
	});
});
