import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fingerprint } from '../../../nodes/client/once/fingerprint.ts';
import { SubmissionGate } from '../../../nodes/client/once/submissionGate.ts';
import { TaskFingerprint } from '../../../nodes/client/tasks/taskFingerprint.ts';
import { CancelSource } from '../../../nodes/client/util/cancelSignal.ts';
import { nextTurn } from '../../until.mts';
import { rejection } from '../support.mts';

/** A promise whose end is in the test's hands, and whether it has been asked for. */
function gate() {
	let open = () => {};
	let fail: (error: Error) => void = () => {};
	const promise = new Promise<string>((resolve, reject) => {
		open = () => resolve('done');
		fail = reject;
	});
	const state = { entered: false };
	const job = async () => {
		state.entered = true;
		return await promise;
	};
	return { state, job, open, fail };
}

/** What identifies a submission of some text. */
function print(text: string): Fingerprint {
	return new TaskFingerprint({ app: 'sandbox/echo', input: { text } });
}

/** Runs a submission or a lookup through the gate. */
async function through<T>(
	shared: SubmissionGate,
	kind: 'submitting' | 'lookingUp',
	content: Fingerprint,
	job: () => Promise<T>,
	signal = new CancelSource(),
): Promise<T> {
	if (kind === 'lookingUp') return await shared.lookingUp(content, signal, job);
	await shared.begin(content, signal);
	try {
		return await job();
	} finally {
		shared.end(content);
	}
}

describe('the submission gate', () => {
	it('of equal submissions run side by side', async () => {
		const shared = new SubmissionGate();
		const [first, second] = [gate(), gate()];
		const both = [
			through(shared, 'submitting', print('x'), first.job),
			through(shared, 'submitting', print('x'), second.job),
		];
		await nextTurn();
		expect([first.state.entered, second.state.entered]).toEqual([true, true]);
		second.open();
		first.open();
		expect(await Promise.all(both)).toEqual(['done', 'done']);
	});

	it('let a lookup wait until the equal submissions before it are over', async () => {
		const shared = new SubmissionGate();
		const [first, second, lookup] = [gate(), gate(), gate()];
		const all = [
			through(shared, 'submitting', print('x'), first.job),
			through(shared, 'submitting', print('x'), second.job),
			through(shared, 'lookingUp', print('x'), lookup.job),
		];
		first.open();
		await nextTurn();
		expect(lookup.state.entered).toBe(false);
		second.open();
		await nextTurn();
		expect(lookup.state.entered).toBe(true);
		lookup.open();
		await Promise.all(all);
	});

	it('let a submission wait until the lookup before it is over', async () => {
		const shared = new SubmissionGate();
		const [lookup, submission] = [gate(), gate()];
		const all = [
			through(shared, 'lookingUp', print('x'), lookup.job),
			through(shared, 'submitting', print('x'), submission.job),
		];
		await nextTurn();
		expect([lookup.state.entered, submission.state.entered]).toEqual([true, false]);
		lookup.open();
		await nextTurn();
		expect(submission.state.entered).toBe(true);
		submission.open();
		await Promise.all(all);
	});

	it('do not let a stream of submissions keep a lookup waiting for ever', async () => {
		const shared = new SubmissionGate();
		const [before, lookup, after] = [gate(), gate(), gate()];
		const all = [
			through(shared, 'submitting', print('x'), before.job),
			through(shared, 'lookingUp', print('x'), lookup.job),
			through(shared, 'submitting', print('x'), after.job),
		];
		before.open();
		await nextTurn();
		expect([lookup.state.entered, after.state.entered]).toEqual([true, false]);
		lookup.open();
		after.open();
		await Promise.all(all);
	});

	it('of different content have nothing to do with each other', async () => {
		const shared = new SubmissionGate();
		const [lookup, submission] = [gate(), gate()];
		const looking = through(shared, 'lookingUp', print('x'), lookup.job);
		const submitting = through(shared, 'submitting', print('y'), submission.job);
		await nextTurn();
		expect(submission.state.entered).toBe(true);
		submission.open();
		await submitting;
		lookup.open();
		await looking;
	});

	it.each(['submitting', 'lookingUp'] as const)(
		'that fail while %s let the next ones in',
		async (kind) => {
			const shared = new SubmissionGate();
			const bad = gate();
			const failing = rejection(through(shared, kind, print('x'), bad.job));
			const after = through(shared, 'lookingUp', print('x'), async () => 'looked');
			const last = through(shared, 'submitting', print('x'), async () => 'submitted');
			const error = new Error('failed');
			bad.fail(error);
			expect(await failing).toBe(error);
			expect(await Promise.all([after, last])).toEqual(['looked', 'submitted']);
			expect(shared.idle).toBe(true);
		},
	);

	it('let nobody wait beyond its end: of a submission, of a lookup, of a lookup for a lookup', async () => {
		const shared = new SubmissionGate();
		const [submission, lookup] = [gate(), gate()];
		const stop = new CancelSource();
		const reason = new Error('stopped');
		const wait = (kind: 'submitting' | 'lookingUp') =>
			rejection(through(shared, kind, print('x'), async () => 'never', stop));
		const first = through(shared, 'submitting', print('x'), submission.job);
		const waiting = [wait('lookingUp')];
		await nextTurn();
		waiting.push(wait('lookingUp'), wait('submitting'));
		await nextTurn();
		stop.abort(reason);
		expect(await Promise.all(waiting)).toEqual([reason, reason, reason]);
		submission.open();
		await first;
		lookup.open();
		expect(await through(shared, 'lookingUp', print('x'), lookup.job)).toBe('done');
		expect(shared.idle).toBe(true);
	});

	it('of a version and of any version are kept apart: their tasks may be the same', async () => {
		const shared = new SubmissionGate();
		const [lookup, submission] = [gate(), gate()];
		const pinned = new TaskFingerprint({ app: 'sandbox/echo@v1', input: { text: 'x' } });
		const other = new TaskFingerprint({ app: 'sandbox/echo@v2', input: { text: 'x' } });
		const looking = through(shared, 'lookingUp', pinned, lookup.job);
		const any = through(shared, 'submitting', print('x'), submission.job);
		expect(await through(shared, 'submitting', other, async () => 'submitted')).toBe('submitted');
		await nextTurn();
		expect(submission.state.entered).toBe(false);
		lookup.open();
		submission.open();
		await Promise.all([looking, any]);
	});

	it('never overlap, whatever comes in which order, and leave nothing behind', async () => {
		const step = fc.record({
			kind: fc.constantFrom('submitting' as const, 'lookingUp' as const),
			content: fc.constantFrom('x' as const, 'y' as const),
			startsAfter: fc.nat({ max: 3 }),
			ticks: fc.nat({ max: 3 }),
			fails: fc.boolean(),
		});
		await fc.assert(
			fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
				const shared = new SubmissionGate();
				const running = { x: { submitting: 0, lookingUp: 0 }, y: { submitting: 0, lookingUp: 0 } };
				const overlaps: string[] = [];
				let ran = 0;
				await Promise.allSettled(
					steps.map(async ({ kind, content, startsAfter, ticks, fails }) => {
						for (let tick = 0; tick < startsAfter; tick += 1) await nextTurn();
						await through(shared, kind, print(content), async () => {
							const counts = running[content];
							counts[kind] += 1;
							if (counts.lookingUp > 1 || (counts.lookingUp > 0 && counts.submitting > 0)) {
								overlaps.push(JSON.stringify(counts));
							}
							for (let tick = 0; tick < ticks; tick += 1) await nextTurn();
							counts[kind] -= 1;
							ran += 1;
							if (fails) throw new Error('failed');
						});
					}),
				);
				expect(overlaps).toEqual([]);
				expect(ran).toBe(steps.length);
				expect(shared.idle).toBe(true);
			}),
			{ numRuns: 100 },
		);
	});
});
