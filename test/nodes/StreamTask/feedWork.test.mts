/** Long answers in small pieces: what is done for each piece must not grow with the answer. */
import { expect, it } from 'vitest';
import { taskFromWire, type Task } from '../../../nodes/client/tasks/task.ts';
import { systemClock } from '../../../nodes/client/util/clock.ts';
import { ItemFeed } from '../../../nodes/StreamTask/itemFeed.ts';
import { LiveText } from '../../../nodes/AgentMessage/liveText.ts';
import { Turn } from '../../../nodes/client/agents/turn.ts';
import { comparedBy, walkedBy } from '../../workMeters.mts';

const PIECES = 5_000;
const PIECE = 'word ';

const most = 20 * PIECES * PIECE.length;

function taskWith(fields: object): Task {
	const task = taskFromWire({ id: 't1', status: 7, ...fields });
	if (!task) throw new Error('There is no task');
	return task;
}

function feedOf(task: Task): ItemFeed {
	const options = { minIntervalMs: 1e6, late: false, clock: systemClock, maxUpdates: 0 };
	const feed = new ItemFeed(0, { ...options, streamAs: 'text' }, () => 0);
	feed.start(task);
	return feed;
}

it('Stream Task compares no text with each of its pieces', () => {
	const feed = feedOf(taskWith({}));

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

it('pieces after a hole cost no look at the text before it', () => {
	const feed = feedOf(taskWith({}));
	feed.opened();
	const text = PIECE.repeat(PIECES);
	feed.delta({ response: text }, 1);
	feed.opened();
	feed.changed(taskWith({ output: { response: text } }), ['output']);

	const compared = comparedBy(() => {
		for (let seq = 5; seq <= PIECES; seq += 1) feed.delta({ response: PIECE }, seq);
	});
	feed.end();

	expect(feed.updates.at(-1)?.update.text).toBe(text);
	expect(compared).toBeLessThan(most);
});

it('Stream Task does not look at each log for each piece', () => {
	const workOf = (size: number) => {
		const logs = Array.from({ length: size }, (_, type) => ({ log_type: type, content: 'begun' }));
		const feed = feedOf(taskWith({ logs }));
		const walked = walkedBy(() => {
			for (let seq = 1; seq <= size; seq += 1) feed.delta({ response: PIECE }, seq);
		});
		feed.end();
		expect(feed.updates.flatMap(({ update }) => update.logs ?? [])).toHaveLength(size);
		return walked;
	};
	expect(workOf(400)).toBeLessThanOrEqual(3 * workOf(200));
});

it('more log lines come at once than a call takes arguments', () => {
	const feed = feedOf(taskWith({ logs: 'x\n'.repeat(300_000) }));
	feed.end();
	expect(feed.updates[0]?.update.logs).toHaveLength(300_000);
});
