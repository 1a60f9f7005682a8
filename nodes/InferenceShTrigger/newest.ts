import { createdMs } from '../client/api/serviceClock';
import type { Waiting } from './chatSource';
import type { AccountTasks, SeenTask } from './taskSource';
import type { ChatSource, ListedChat } from './watchChats';

/** Pages that are looked through for a test in the editor. */
const MOST_PAGES = 20;

/** The task that has ended last, of the first page that has one; undefined if there is none. */
export async function newestTask(source: AccountTasks): Promise<SeenTask | undefined> {
	const asked = new Set<string | undefined>();
	for (let cursor: string | undefined; asked.size < MOST_PAGES && !asked.has(cursor); ) {
		asked.add(cursor);
		const { tasks, next } = await source.ended(cursor);
		const [latest] = tasks
			.filter(({ hasEnded, isWanted }) => hasEnded && isWanted)
			.toSorted((left, right) => endOf(right) - endOf(left));
		if (latest || next === undefined) return latest;
		cursor = next;
	}
	return undefined;
}

export function endOf({ task, createdAt }: SeenTask): number {
	return createdMs(task.updatedAt) ?? createdAt ?? 0;
}

/** The chat that has begun to wait last; undefined if none waits. */
export async function newestWaiting(source: ChatSource<Waiting>): Promise<Waiting | undefined> {
	const all: ListedChat[] = [];
	const asked = new Set<string | undefined>();
	for (let cursor: string | undefined; asked.size < MOST_PAGES && !asked.has(cursor); ) {
		asked.add(cursor);
		const { chats, next } = await source.waiting(cursor);
		all.push(...chats);
		if (next === undefined) break;
		cursor = next;
	}
	all.sort((left, right) => (right.updatedAt ?? 0) - (left.updatedAt ?? 0));
	for (const chat of all.slice(0, MOST_PAGES)) {
		const seen = await source.look(chat);
		if (seen) return seen.view;
	}
	return undefined;
}
