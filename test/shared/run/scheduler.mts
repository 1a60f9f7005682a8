/** A small model of a service whose plan limits how many tasks run at once, in a time of its own. */
import { AdaptiveWindow } from '../../../nodes/shared/run/adaptiveWindow.ts';
import type { Law } from './otherLaws.mts';

/** What happens in a play of the model. */
export interface Scene {
	/** Nodes, executions or workers that share the plan and know nothing of each other. */
	readonly clients: number;
	/** Tasks of each. */
	readonly items: number;
	/** Tasks that run at once, by the time (ms). */
	limit(at: number): number;
	/** How long tasks run, ms: evenly spread between these. */
	readonly length: readonly [shortest: number, longest: number];
	/** How long news takes to arrive, each way, ms. */
	readonly latency?: number;
	/** By how much it may take the service longer to begin, ms. */
	readonly jitter?: number;
	/** How much later than the one before each client begins, ms. */
	readonly later?: number;
	/** Tasks of somebody else that always want to run, too. */
	readonly others?: number;
}

export interface Outcome {
	/** When the last client has finished, ms. */
	readonly wallMs: number;
	/** Tasks of all clients that wait at the service, on average over the time. */
	readonly waiting: number;
	/** When each has finished, ms. */
	readonly ends: readonly number[];
	/** Width and queue over the time, for a curve: `[ms, width of all, waiting]`. */
	readonly curve: ReadonlyArray<readonly [number, number, number]>;
}

/** The widest window that any client may have. */
const MOST = 50;

interface Job {
	readonly client: Client | undefined;
	readonly at: number;
	readonly turn: ReturnType<AdaptiveWindow['begin']> | undefined;
}

interface Client {
	left: number;
	inFlight: number;
	end: number;
	readonly window: Law | undefined;
}

/** The same numbers for the same seed (Numerical Recipes). */
function numbers(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
		return state / 2 ** 32;
	};
}

/** How wide the windows are: by a law, the node's own unless another is given, or fixed. */
export type Windows = number | ((most: number) => Law);

const adapting = (most: number): Law => new AdaptiveWindow(most);

/** Plays a scene. */
export function play(scene: Scene, windows: Windows = adapting, seed = 1): Outcome {
	const fixed = typeof windows === 'number' ? windows : undefined;
	const { latency = 3, jitter = 0, later = 0, others = 0 } = scene;
	const random = numbers(seed);
	const agenda = new Agenda();
	const queue: Job[] = [];
	const curve: Array<readonly [number, number, number]> = [];
	let running = 0;
	let waited = 0;
	let last = 0;
	const clients = Array.from({ length: scene.clients }, (): Client => {
		const window = typeof windows === 'number' ? undefined : windows(MOST);
		return { left: scene.items, inFlight: 0, end: 0, window };
	});
	const [shortest, longest] = scene.length;

	const open = () => clients.some(({ left, inFlight }) => left + inFlight > 0);
	const fill = (client: Client) => {
		const width = client.window?.size ?? fixed ?? 1;
		while (client.left > 0 && client.inFlight < width) {
			client.left -= 1;
			client.inFlight += 1;
			const turn = client.window?.begin();
			agenda.in(latency, () => {
				queue.push({ client, at: agenda.now, turn });
				agenda.in(jitter * random(), dispatch);
			});
		}
	};
	const dispatch = () => {
		while (running < scene.limit(agenda.now)) {
			const job = queue.shift();
			if (!job) return;
			running += 1;
			const length = shortest + (longest - shortest) * random();
			const { client, turn } = job;
			const waitedMs = agenda.now - job.at;
			agenda.in(latency, () => {
				if (turn) client?.window?.started(turn, waitedMs);
				if (client) fill(client);
			});
			agenda.in(length, () => {
				running -= 1;
				if (!client && open()) queue.push({ client: undefined, at: agenda.now, turn: undefined });
				dispatch();
				if (!client) return;
				agenda.in(latency, () => {
					client.inFlight -= 1;
					client.end = agenda.now;
					client.window?.ran(length);
					fill(client);
				});
			});
		}
	};
	for (let other = 0; other < others; other += 1) {
		queue.push({ client: undefined, at: 0, turn: undefined });
	}
	clients.forEach((client, nth) => agenda.in(nth * later, () => fill(client)));
	agenda.in(0, dispatch);
	agenda.run(() => {
		if (!open()) return;
		const own = queue.filter(({ client }) => client).length;
		waited += own * (agenda.now - last);
		last = agenda.now;
		const width = clients.reduce((sum, { window }) => sum + (window?.size ?? fixed ?? 0), 0);
		curve.push([agenda.now, width, own]);
		// The plan may have changed.
		dispatch();
	});
	const ends = clients.map(({ end }) => end);
	const wallMs = Math.max(...ends);
	return { wallMs, waiting: waited / wallMs, ends, curve };
}

/** What is going to happen, in the order of time. */
class Agenda {
	now = 0;
	private readonly entries: Array<{ readonly at: number; readonly job: () => void }> = [];

	in(ms: number, job: () => void): void {
		const at = this.now + ms;
		const { entries } = this;
		let [low, high] = [0, entries.length];
		while (low < high) {
			const middle = (low + high) >> 1;
			if ((entries[middle]?.at ?? 0) > at) low = middle + 1;
			else high = middle;
		}
		entries.splice(low, 0, { at, job });
	}

	/** @param before called at each moment before something happens */
	run(before: () => void): void {
		for (let next = this.entries.pop(); next; next = this.entries.pop()) {
			this.now = next.at;
			before();
			next.job();
		}
	}
}

const SEEDS = [1, 2, 3];

/** The average of several plays. */
export function playOften(scene: Scene, windows?: Windows): Pick<Outcome, 'wallMs' | 'waiting'> {
	const plays = SEEDS.map((seed) => play(scene, windows, seed));
	const average = (of: (outcome: Outcome) => number) =>
		plays.reduce((sum, outcome) => sum + of(outcome), 0) / plays.length;
	return { wallMs: average((one) => one.wallMs), waiting: average((one) => one.waiting) };
}

/** The width with which a scene ends first, of all fixed ones. */
export function bestFixed(scene: Scene): Pick<Outcome, 'wallMs' | 'waiting'> & { width: number } {
	let best = { width: 1, ...playOften(scene, 1) };
	for (let width = 2; width <= MOST; width += 1) {
		const outcome = playOften(scene, width);
		if (outcome.wallMs < best.wallMs) best = { width, ...outcome };
	}
	return best;
}
