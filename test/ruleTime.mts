/** What takes a test's clock for the time. */
import { onTestFinished, vi } from 'vitest';
import { systemClock } from '../nodes/client/util/clock.ts';
import type { TestClock } from './testClock.mts';

/**
 * Makes a clock of the test the time of all that runs here, the sandbox included, until the test is
 * over: no real time passes, so answers take none. It is a day later than in the test before.
 */
export function ruleTime(time: TestClock): void {
	if (vi.isMockFunction(Date.now)) return;
	time.startAnew();
	const spies = [
		vi.spyOn(Date, 'now').mockImplementation(() => time.now()),
		vi.spyOn(performance, 'now').mockImplementation(() => time.now() - performance.timeOrigin),
		vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => time.timeout(ms)),
		vi.spyOn(systemClock, 'delay').mockImplementation((ms, signal) => time.delay(ms, signal)),
		vi.spyOn(systemClock, 'random').mockImplementation(() => time.random()),
	];
	onTestFinished(() => {
		for (const spy of spies) spy.mockRestore();
		time.expire();
	});
}
