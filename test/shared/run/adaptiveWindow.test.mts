/** Whether the window finds out what a plan takes, in a model of a service: no clock, no sockets. */
import { describe, expect, it } from 'vitest';
import { AdaptiveWindow } from '../../../nodes/shared/run/adaptiveWindow.ts';
import { OTHER_LAWS } from './otherLaws.mts';
import { bestFixed, play, playOften, type Scene } from './scheduler.mts';

const usual = { items: 200, length: [50, 950] } as const;
const plan = (tasks: number) => () => tasks;

describe('beside the best fixed width', () => {
	it.each<{ what: string; scene: Scene }>([
		{ what: 'a plan of 5', scene: { ...usual, clients: 1, limit: plan(5) } },
		{ what: 'a plan of 5, two nodes', scene: { ...usual, clients: 2, limit: plan(5) } },
		{ what: 'a plan of 5, four nodes', scene: { ...usual, clients: 4, limit: plan(5) } },
		{ what: 'a plan of 1', scene: { ...usual, items: 60, clients: 1, limit: plan(1) } },
		{ what: 'a plan of 1, two nodes', scene: { ...usual, items: 60, clients: 2, limit: plan(1) } },
		{ what: 'a plan of 20', scene: { ...usual, items: 800, clients: 1, limit: plan(20) } },
		{
			what: 'a plan of 20, two nodes',
			scene: { ...usual, items: 800, clients: 2, limit: plan(20) },
		},
		{
			what: 'tasks of a minute',
			scene: { items: 60, clients: 2, limit: plan(5), length: [5_000, 60_000], latency: 30 },
		},
		{
			what: 'a service that takes its time to begin',
			scene: { ...usual, items: 400, clients: 2, limit: plan(5), latency: 20, jitter: 80 },
		},
	])('it is as fast, and leaves few waiting: $what', ({ scene }) => {
		const adapting = playOften(scene);
		expect(adapting.wallMs / bestFixed(scene).wallMs).toBeLessThanOrEqual(1.05);
		expect(adapting.waiting).toBeLessThanOrEqual(2);
	});
});

it.each(Object.entries(OTHER_LAWS))('another law is slower or lets more wait: %s', (_name, law) => {
	const scenes: readonly Scene[] = [
		{ ...usual, clients: 1, limit: plan(5) },
		{ ...usual, clients: 2, limit: plan(5) },
		{ ...usual, items: 800, clients: 1, limit: plan(20) },
	];
	const misses = scenes.filter((scene) => {
		const { wallMs, waiting } = playOften(scene, law);
		return wallMs / bestFixed(scene).wallMs > 1.05 || waiting > 2;
	});
	expect(misses.length).toBeGreaterThan(1);
});

it('follows a plan that changes: 5, then 20, then 3', () => {
	const limit = (at: number) => (at < 10_000 ? 5 : at < 30_000 ? 20 : 3);
	const { curve, waiting } = play({ items: 1_200, clients: 1, limit, length: [50, 950] });
	const widthBetween = (from: number, to: number) => {
		const seen = curve.filter(([at]) => at >= from && at < to).map(([, width]) => width);
		return seen.reduce((sum, width) => sum + width, 0) / seen.length;
	};
	expect(widthBetween(5_000, 10_000)).toBeLessThan(8);
	expect(widthBetween(20_000, 30_000)).toBeGreaterThan(17);
	expect(widthBetween(20_000, 30_000)).toBeLessThan(26);
	expect(widthBetween(40_000, 60_000)).toBeLessThan(6);
	expect(waiting).toBeLessThan(5);
});

it('leaves a share to somebody who has always three tasks there', () => {
	const { wallMs, waiting } = playOften({ ...usual, clients: 1, limit: plan(6), others: 3 });
	// Half of the plan does 200 tasks of half a second in 33 s.
	expect(wallMs).toBeLessThan(1.25 * 33_300);
	expect(waiting).toBeLessThan(1.5);
});

it('comes to equal shares with one that began before', () => {
	const scene = {
		items: 300,
		clients: 2,
		limit: plan(6),
		length: [50, 950],
		later: 10_000,
	} as const;
	const { ends } = play(scene);
	const [first = 0, second = 0] = ends;
	// Alone for 10 s the first one does 120 tasks; sharing equally, it needs 30 s for the other 180.
	expect(first).toBeGreaterThan(35_000);
	expect(first).toBeLessThan(48_000);
	expect(second).toBeLessThan(56_000);
});

describe('the window', () => {
	it('is never wider than Concurrency, nor narrower than one item', () => {
		const window = new AdaptiveWindow(3);
		for (let start = 0; start < 50; start += 1) window.started(window.begin(), 0);
		expect(window.size).toBe(3);
		for (let wait = 0; wait < 50; wait += 1) window.started(window.begin(), 60_000);
		expect(window.size).toBe(1);
		expect(window.facts).toEqual({ lowest: 1, highest: 3, last: 1 });
	});

	it('halves after a refusal for the rate of requests, once for all that it has met', () => {
		const window = new AdaptiveWindow(64);
		for (let start = 0; start < 30; start += 1) window.started(window.begin(), 0);
		const before = window.size;
		const turns = Array.from({ length: before }, () => window.begin());
		for (const turn of turns) window.refused(turn);
		expect(window.size).toBe(Math.floor(before / 2));
	});

	it('takes a Concurrency of 1', () => {
		const window = new AdaptiveWindow(1);
		window.started(window.begin(), 0);
		expect(window.size).toBe(1);
	});
});
