/**
 * A clock that is ahead: of this process with `shiftClock`, of another one with `--import` of this
 * file and CLOCK_AHEAD_MS in its environment. Timers are left alone.
 */
const RealDate = Date;
const realNow = Date.now;
let aheadMs = 0;

/** Puts the clock of this process so far ahead of the real one, ms. */
export function shiftClock(ms: number): void {
	aheadMs = ms;
	globalThis.Date = ms === 0 ? RealDate : Shifted;
}

const now = (): number => realNow() + aheadMs;

const Shifted = new Proxy(RealDate, {
	construct: (target, given: unknown[], newTarget: new () => object): object =>
		Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as object,
	apply: () => new RealDate(now()).toString(),
	get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
});

const wanted = Number(process.env['CLOCK_AHEAD_MS'] ?? 0);
if (wanted !== 0) shiftClock(wanted);
