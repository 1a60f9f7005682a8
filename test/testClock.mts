/** Clocks that have no real time in them: it passes when a test says so. */
import type { CancelSignal } from '../nodes/client/util/cancelSignal.ts';
import type { Clock } from '../nodes/client/util/clock.ts';
import { nextTurn } from './until.mts';

/** What is known of a service, its rate limits and its clock, is old by then. */
const LONG_MS = 24 * 3_600_000;

interface Wait {
	readonly kind: 'delay' | 'timeout';
	readonly ms: number;
	readonly at: number;
	/** Whether somebody can break it off: a watch in the background runs until its time has come. */
	readonly endable: boolean;
	readonly wake: () => void;
}

/**
 * A clock that stands still until it is moved on; waits end when their time has come. Short ones move
 * it on themselves, so that nobody waits for backoff, pauses and polls: they are over in the next
 * turn of the event loop. Watches, which nobody can break off, and timeouts come only when the test
 * lets time pass.
 */
export class TestClock implements Clock {
	/** How long was waited, or was to be waited, ms, in order. */
	readonly waits: number[] = [];
	private time = Date.now();
	private waiting: Wait[] = [];
	private readonly followers = new Set<(ms: number) => void>();

	/** The longest wait that moves the clock on itself, ms. */
	skippedMs: number;

	constructor(skippedMs = 0) {
		this.skippedMs = skippedMs;
	}

	now(): number {
		return this.time;
	}

	random(): number {
		return 0.5;
	}

	async delay(ms: number, signal?: CancelSignal): Promise<void> {
		signal?.throwIfAborted();
		this.waits.push(ms);
		await new Promise<void>((resolve, reject) => {
			const abandon = () => {
				signal?.removeEventListener('abort', abandon);
				this.remove(wait);
				reject(signal?.reason as Error);
			};
			const wait: Wait = {
				kind: 'delay',
				ms,
				at: this.time + ms,
				endable: signal !== undefined,
				wake: () => {
					signal?.removeEventListener('abort', abandon);
					resolve();
				},
			};
			this.waiting.push(wait);
			if (signal && ms <= this.skippedMs) void nextTurn().then(() => this.skip());
			signal?.addEventListener('abort', abandon);
		});
	}

	/** A signal like that of `AbortSignal.timeout`, whose time passes on this clock. */
	timeout(ms: number): AbortSignal {
		const controller = new AbortController();
		const wake = () => controller.abort(new DOMException('The time is over', 'TimeoutError'));
		if (ms <= 0) void nextTurn().then(wake);
		else this.waiting.push({ kind: 'timeout', ms, at: this.time + ms, endable: false, wake });
		return controller.signal;
	}

	/** Tells from now on whenever time passes, and how much. */
	lead(follower: (ms: number) => void): void {
		this.followers.add(follower);
	}

	/** Whether anybody waits who could break it off, such as between two attempts. */
	get awaited(): boolean {
		return this.waiting.some(({ endable }) => endable);
	}

	/** Lets time pass: whatever is due meanwhile happens at its moment, and what follows from it. */
	async pass(ms: number): Promise<void> {
		const end = this.time + ms;
		const due = () => this.first((wait) => wait.at <= end);
		for (let next = due(); next; next = due()) {
			this.wake(next);
			await nextTurn();
		}
		this.moveTo(end);
		await nextTurn();
	}

	/** Goes on to a later time at which nothing of what was before matters any more. */
	startAnew(): void {
		this.waits.length = 0;
		this.waiting = [];
		this.time += LONG_MS;
	}

	/** Lets the least time pass in which anything happens: so long an answer takes. */
	tick(): void {
		this.moveTo(this.time + 1);
	}

	/** Lets a time limit run out, which may come a thousandth of its length late; see `timerFor`. */
	async runOut(ms: number): Promise<void> {
		await this.pass(ms + Math.ceil(ms / 1_000));
	}

	/** Ends all timeouts, so that nothing of a test goes on after it, and forgets everybody else. */
	expire(): void {
		this.followers.clear();
		const left = this.waiting.splice(0);
		for (const { kind, wake } of left) if (kind === 'timeout') wake();
	}

	/** Ends the first of the short waits, whoever has asked for it. */
	private skip(): void {
		const next = this.first(({ endable, ms }) => endable && ms <= this.skippedMs);
		if (next) this.wake(next);
	}

	private first(suits: (wait: Wait) => boolean): Wait | undefined {
		return this.waiting.filter(suits).sort((left, right) => left.at - right.at)[0];
	}

	private wake(wait: Wait): void {
		this.remove(wait);
		this.moveTo(wait.at);
		wait.wake();
	}

	private moveTo(time: number): void {
		const ms = time - this.time;
		if (ms <= 0) return;
		this.time = time;
		for (const follow of this.followers) follow(ms);
	}

	private remove(wait: Wait): void {
		this.waiting = this.waiting.filter((other) => other !== wait);
	}
}
