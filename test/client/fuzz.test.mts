/**
 * Everything that a client does, against a service that answers at random: it always ends, with a
 * result or an error of ours, and leaves nothing behind. `FUZZ_SEED` repeats a run, `FUZZ_ROUNDS`
 * makes it longer.
 */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { InferenceError, StoppedError } from '../../nodes/client/errors.ts';
import { HelperTransport } from '../../nodes/client/transport/helperTransport.ts';
import type { Transport } from '../../nodes/client/transport/transport.ts';
import { outcomeOf } from '../../nodes/client/util/outcome.ts';
import { until } from '../until.mts';
import { CountedSource } from './countedSource.mts';
import { anyAnswer } from './fuzz/answers.mts';
import { JOBS } from './fuzz/jobs.mts';
import { startRandomService, type RandomService } from './fuzz/randomService.mts';
import { hostHttpRequest } from './hostHelper.mts';
import { clock, makeClient, TRANSPORTS } from './support.mts';

const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const numRuns = Number(process.env['FUZZ_ROUNDS'] ?? 8);

/** Of the clients' time: longer than anything lasts. */
const LONGEST_MS = 3 * 3_600_000;
const STEP_MS = 2_000;
/** What undici and n8n's helper wait for by a clock of their own, they wait for so long. */
const SILENCE_MS = 200;

function lessPatient(inner: Transport): Transport {
	return {
		name: inner.name,
		request: async (request) => await inner.request({ ...request, silenceMs: SILENCE_MS }),
		open: async (request) => await inner.open({ ...request, silenceMs: SILENCE_MS }),
	};
}

const HURRIED: ReadonlyArray<readonly [name: string, make: () => Transport]> = TRANSPORTS.map(
	([name, make]) => {
		if (make() instanceof HelperTransport) {
			const request: ConstructorParameters<typeof HelperTransport>[0] = async (options) =>
				await hostHttpRequest({ ...options, timeout: SILENCE_MS });
			return [name, () => new HelperTransport(request)];
		}
		return [name, () => lessPatient(make())];
	},
);

/** Lets time pass until the work is done: much of it whenever nothing else happens. */
async function endOf<T>(work: Promise<T>, service: RandomService, what: () => string): Promise<T> {
	let over = false;
	let before = -1;
	const latest = clock.now() + LONGEST_MS;
	void outcomeOf(work).then(() => (over = true));
	await until(async () => {
		const idle = service.happened() === before;
		before = service.happened();
		await clock.pass(idle ? STEP_MS : 1);
		if (clock.now() > latest) throw new Error(`does not end: ${what()}`);
		return over;
	});
	return await work;
}

const anySituation = fc.record({
	script: fc.array(anyAnswer, { minLength: 1, maxLength: 12 }),
	follow: fc.constantFrom('auto' as const, 'stream' as const, 'poll' as const),
	/** When everything is stopped, ms. */
	stopAfter: fc.option(fc.nat({ max: 60_000 }), { nil: undefined, freq: 2 }),
});
type Situation = typeof anySituation extends fc.Arbitrary<infer T> ? T : never;

let rounds = 0;

/** Does everything at once. */
async function round(
	service: RandomService,
	transport: Transport,
	{ script, follow, stopAfter }: Situation,
): Promise<void> {
	service.play(script);
	const signal = new CountedSource();
	rounds += 1;
	const client = makeClient(
		// An account of its own: the limits of the one before are none of this one.
		{ url: service.url, apiKey: `inf_fuzz_${rounds}` },
		{ transport, signal, settings: { follow, timeoutMs: 120_000 } },
	);
	if (stopAfter !== undefined) {
		void clock.delay(stopAfter).then(() => signal.abort(new StoppedError('was stopped')));
	}
	const open = new Set(Object.keys(JOBS));
	const ends = Object.entries(JOBS).map(async ([name, job]) => {
		const end = await outcomeOf(job(client, signal, service.url));
		open.delete(name);
		if (!end.ok) expect(end.error, name).toBeInstanceOf(InferenceError);
	});
	await endOf(Promise.all(ends), service, () => [...open].join(', '));
	await endOf(client[Symbol.asyncDispose](), service, () => 'the client');
	const noListeners = until(() => signal.listening.size === 0);
	await endOf(noListeners, service, () => `listening on the signal (${signal.listening.size})`);
	expect(clock.awaited).toBe(false);
}

/** What keeps a process alive. */
function resources(): number {
	const kinds = ['TCPSocketWrap', 'ConnectWrap', 'Timeout'];
	return process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind)).length;
}

it.each(HURRIED)(
	`over %s, everything ends whatever the service answers (FUZZ_SEED=${seed})`,
	async (_name, makeTransport) => {
		const before = resources();
		const service = await startRandomService();
		const property = fc.asyncProperty(anySituation, async (situation) => {
			await round(service, makeTransport(), situation);
		});
		await fc.assert(property, { numRuns, seed, endOnFailure: true });
		// Connections that may still be of use are kept for some seconds.
		await until(() => service.open() === 0);
		await until(() => resources() <= before);
	},
);
