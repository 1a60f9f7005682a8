/** What is done where a process may have few files and connections open. */
import { describe, expect, it } from 'vitest';
import { until } from '../../until.mts';
import { useSandbox } from '../../useSandbox.mts';
import { useScripts } from './fewHandles.mts';
import { answers, serverThat } from './servers.mts';

const ITEMS = 200;

const scripts = useScripts(48, {
	/** Uses up what it may open, then sends a request, and gives handles back if it is told to. */
	withoutAny: `
		const { openSync, closeSync } = require('node:fs');
		const orders = told();
		const taken = [];
		// Handles of what was read to get here are given back a little later, and are taken, too.
		for (let quiet = 0; quiet < 20; quiet += 1) {
			try { for (;;) { taken.push(openSync('/dev/null')); quiet = 0; } } catch {}
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
		const stop = new AbortController();
		const times = { headersTimeoutMs: 60_000, silenceMs: 60_000, graceMs: 1_000 };
		const { signal } = stop;
		const post = { method: 'POST', url, headers: {}, body: '{}', signal, ...times };
		let waits = true;
		const ended = transport.request(post).then(
			({ status }) => ({ status }),
			({ message, mayHaveArrived }) => ({ message, mayHaveArrived }),
		);
		void ended.then(() => { waits = false; });
		const order = String(await orders).trim();
		await new Promise((resolve) => setTimeout(resolve, 100));
		const waited = waits;
		if (order === 'stop') stop.abort(new Error('stopped'));
		else for (const handle of taken.splice(0, 5)) closeSync(handle);
		say({ waited, ...(await ended) });
	`,
	/** Runs many items at once, and is stopped when it is told to. */
	manyItems: `
		const run = new AbortController();
		void told().then(() => run.abort());
		const { signal } = run;
		const client = new InferenceClient({
			transport, settings, signal, credential: { baseUrl: url, apiKey }, maxConcurrency: 0,
			log: { debug() {} },
		});
		const options = {
			wait: 'result', full: false, observer: {}, signal, progress: { state: 'none' }, onProgress() {},
		};
		const items = Array.from({ length: ${ITEMS} }, (_, item) => ({ item }));
		const runs = items.map((input) => client.tasks.run({ app: 'sandbox/manual', input }, options));
		const ends = await Promise.allSettled(runs);
		const problems = ends.flatMap(({ reason }) => (reason ? [reason.message] : []));
		say({ completed: ends.length - problems.length, problems });
	`,
});

const NO_CONTENT = 'HTTP/1.1 204 No Content\r\n\r\n';

describe('with few file handles', () => {
	const sandbox = useSandbox();
	const running = () => sandbox().running().length;

	it.each(['undici6', 'undici', 'undici8'])('a request waits for one, over %s', async (undici) => {
		const server = await serverThat(answers(NO_CONTENT));
		const url = `http://127.0.0.1:${server.port}/`;
		const script = scripts('withoutAny', undici, [url, '']);
		script.tell('give some back');
		expect(await script.said).toEqual({ waited: true, status: 204 });
	});

	it('a request that is given up while it waits has never left', async () => {
		const server = await serverThat(answers(NO_CONTENT));
		const url = `http://127.0.0.1:${server.port}/`;
		const script = scripts('withoutAny', 'undici', [url, '']);
		script.tell('stop');
		expect(await script.said).toEqual({
			waited: true,
			message: 'it was given up before it was sent',
			mayHaveArrived: false,
		});
		expect(server.opened()).toBe(0);
	});

	it(`of ${ITEMS} items none fails, and no request is made twice`, async () => {
		const script = scripts('manyItems', 'undici', [sandbox().url, sandbox().apiKey]);
		await until(() => running() === ITEMS);
		for (const { id } of sandbox().running()) sandbox().finishTask(id, { output: 1 });
		expect(await script.said).toEqual({ completed: ITEMS, problems: [] });
		expect(sandbox().count('POST', '/apps/run')).toBe(ITEMS);
	});

	it('all tasks are cancelled at Stop', async () => {
		const script = scripts('manyItems', 'undici', [sandbox().url, sandbox().apiKey]);
		await until(() => running() === ITEMS);
		script.tell('stop');
		const { problems } = (await script.said) as { problems: string[] };
		expect(running()).toBe(0);
		expect(problems.filter((problem) => /The task was cancelled/.test(problem))).toHaveLength(
			ITEMS,
		);
	});
});
