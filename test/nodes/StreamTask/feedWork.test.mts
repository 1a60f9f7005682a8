/** Long answers in small pieces: what is done for each piece must not grow with the answer. */
import { expect, it, vi } from 'vitest';
import { taskFromWire } from '../../../nodes/client/tasks/task.ts';
import { systemClock } from '../../../nodes/client/util/clock.ts';
import { ItemFeed } from '../../../nodes/StreamTask/itemFeed.ts';
import { LiveText } from '../../../nodes/AgentMessage/liveText.ts';
import { Turn } from '../../../nodes/client/agents/turn.ts';

const PIECES = 5_000;
const PIECE = 'word ';

/** Characters that texts are compared by while `job` runs. */
function comparedBy(job: () => void): number {
	const compare = vi.spyOn(String.prototype, 'startsWith');
	job();
	const calls = compare.mock.contexts.map((text, at) => {
		const [search] = compare.mock.calls[at] ?? [''];
		return Math.min(String(text).length, search.length);
	});
	compare.mockRestore();
	return calls.reduce((sum, length) => sum + length, 0);
}

const most = 20 * PIECES * PIECE.length;

it('Stream Task compares no text with each of its pieces', () => {
	const task = taskFromWire({ id: 't1', status: 7 });
	if (!task) throw new Error('There is no task');
	const options = { minIntervalMs: 1e6, late: false, clock: systemClock, maxUpdates: 0 };
	const feed = new ItemFeed(0, { ...options, streamAs: 'text' }, () => 0);
	feed.start(task);

	const compared = comparedBy(() => {
		for (let seq = 1; seq <= PIECES; seq += 1) feed.delta({ response: PIECE }, seq);
		feed.end();
	});

	expect(feed.updates.at(-1)?.update.text).toBe(PIECE.repeat(PIECES));
	expect(compared).toBeLessThan(most);
});

it('Agent Message compares no text with each of its pieces', () => {
	const live = new LiveText(undefined, 0);
	const ref = { chatId: 'c1', userMessageId: 'u1', assistantMessageId: 'a1', answered: [] };
	const turn = new Turn(ref, live);

	const compared = comparedBy(() => {
		for (let seq = 1; seq <= PIECES; seq += 1) {
			turn.take({ kind: 'delta', delta: { response: PIECE }, seq, resourceId: 'a1' });
		}
	});

	expect(compared).toBeLessThan(most);
});
