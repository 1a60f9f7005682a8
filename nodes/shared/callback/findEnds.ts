import type { InferenceClient } from '../../client/client';
import { NotFoundError, ProtocolError } from '../../client/errors';
import { isTerminal } from '../../client/tasks/taskStatus';
import { inParallel } from '../run/window';
import { readEnd, readStatus } from './readEnds';
import type { AwaitedTask, TaskEnd, WaitState } from './waitState';
import type { Watch } from './watch';

/**
 * Looks whether a wait is over: all of its tasks have ended, or one has failed and that fails the
 * node. It asks for short statuses until a task is found that goes on, and that one first the next
 * time, so that a wait costs about two of them for each task, however many there are. Only when
 * no more than one can be left are tasks read whole. An example with three tasks, of which `b` takes
 * longest:
 *
 * | callback of | short statuses               | whole tasks             | result        |
 * | ----------- | ---------------------------- | ----------------------- | ------------- |
 * | `a`         | `a` has ended, `b` goes on   |                         | undefined     |
 * | `c`         | `c` has ended                | `b` goes on             | undefined     |
 * | `b`         |                              | `b`, then `a` and `c`   | all ends      |
 *
 * @returns the ends of all tasks, or those of the failed ones if that fails the node; undefined as
 * long as the wait goes on
 * @throws InferenceError if it cannot be told
 */
export async function findEnds(
	client: InferenceClient,
	state: WaitState<unknown>,
	watch: Watch,
): Promise<readonly TaskEnd[] | undefined> {
	const look = new Look(client, state, watch);
	await look.askStatuses();
	return look.hasFailed ? await look.readFailures() : await look.readAll();
}

class Look {
	constructor(
		private readonly client: InferenceClient,
		private readonly state: WaitState<unknown>,
		private readonly watch: Watch,
	) {}

	/** Whether a task has failed and that fails the node. */
	get hasFailed(): boolean {
		return this.state.stopOnError && this.watch.failed.size > 0;
	}

	/** Tasks that are not known to have ended. */
	private get open(): readonly AwaitedTask[] {
		return this.state.tasks.filter(({ id }) => !this.watch.ended.has(id));
	}

	/** Asks for statuses until a task goes on, one task is left, or the node is going to fail. */
	async askStatuses(): Promise<void> {
		const { watch, state } = this;
		const named = new Set(watch.named);
		watch.named.clear();
		const before = this.open;
		if (before.length > 1)
			await this.haveEnded(
				before.filter(({ id }) => named.has(id)),
				false,
			);
		const { open } = this;
		for (let at = 0, size = 1; open.length - at > 1 && !this.hasFailed; size = state.concurrency) {
			if (!(await this.haveEnded(open.slice(at, at + size)))) return;
			at += size;
		}
	}

	/**
	 * Whether all of these have ended, or are gone.
	 *
	 * @param mayBeGone false for tasks that the service has just spoken of
	 */
	private async haveEnded(tasks: readonly AwaitedTask[], mayBeGone = true): Promise<boolean> {
		const { client, watch, state } = this;
		const ended = await inParallel(tasks, state.concurrency, async (task) => {
			const status = await readStatus(client, task);
			if (status === 'gone' && !mayBeGone) throw unreadable(task);
			const hasEnded = status === 'gone' || isTerminal(status);
			if (hasEnded) watch.ended.add(task.id);
			if (status === 'failed' || status === 'cancelled') watch.failed.add(task.id);
			return hasEnded;
		});
		return ended.every(Boolean);
	}

	async readFailures(): Promise<readonly TaskEnd[]> {
		const { ended, failed } = this.watch;
		const ends = await this.readEnds(this.state.tasks.filter(({ id }) => failed.has(id)));
		const failures = ends.filter((end) => end.kind === 'failed');
		if (failures.length > 0) return failures;
		for (const id of failed) ended.delete(id);
		failed.clear();
		throw contradiction();
	}

	async readAll(): Promise<readonly TaskEnd[] | undefined> {
		const { tasks } = this.state;
		const [last, ...more] = this.open;
		if (more.length > 0) return undefined;
		const lastEnd = last && (await readEnd(this.client, last));
		if (last && !lastEnd) return undefined;
		const others = await this.readEnds(tasks.filter((task) => task !== last));
		const ends = lastEnd ? [lastEnd, ...others] : others;
		if (ends.length !== tasks.length) throw contradiction();
		// A service that shows nothing at all has not deleted all of it.
		const [first] = ends;
		if (first && ends.every(isGone)) throw unreadable(first.awaited);
		return ends;
	}

	private async readEnds(tasks: readonly AwaitedTask[]): Promise<readonly TaskEnd[]> {
		const { client, state } = this;
		const read = async (task: AwaitedTask) => await readEnd(client, task);
		const ends = await inParallel(tasks, state.concurrency, read);
		return ends.filter((end) => end !== undefined);
	}
}

function isGone(end: TaskEnd): boolean {
	return end.kind === 'failed' && end.error instanceof NotFoundError;
}

function unreadable({ id }: AwaitedTask): NotFoundError {
	return new NotFoundError(`the service does not know task ${id} at present`);
}

function contradiction(): ProtocolError {
	return new ProtocolError('the service contradicts itself on whether a task has ended');
}
