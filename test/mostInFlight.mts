/** How many tasks the service had to do with at once. */
import type { SandboxWorkspace } from './sandbox/index.mts';

/** Times are whole milliseconds; what has ended in the one in which it began was there, too. */
const SHORTEST_MS = 0.5;

/** The most tasks that were alive at one moment at the service. */
export function mostInFlight(sandbox: Pick<SandboxWorkspace, 'tasks'>): number {
	const moments = sandbox
		.tasks()
		.flatMap(({ createdAt, finishedAt = Infinity }) => [
			{ at: createdAt, change: 1 },
			{ at: Math.max(finishedAt, createdAt + SHORTEST_MS), change: -1 },
		])
		// Of two at the same millisecond the end came first.
		.sort((left, right) => left.at - right.at || left.change - right.change);
	let now = 0;
	let most = 0;
	for (const { change } of moments) {
		now += change;
		most = Math.max(most, now);
	}
	return most;
}
