/** How many tasks the service had to do with at once. */
import type { SandboxWorkspace } from './sandbox/index.mts';

/** The most tasks that were alive at one moment at the service. */
export function mostInFlight(sandbox: Pick<SandboxWorkspace, 'tasks'>): number {
	const moments = sandbox
		.tasks()
		.flatMap(({ createdAt, finishedAt = Infinity }) => [
			{ at: createdAt, change: 1 },
			{ at: finishedAt, change: -1 },
		])
		// Times are whole milliseconds: of two at the same one, the end came first.
		.sort((left, right) => left.at - right.at || left.change - right.change);
	let now = 0;
	let most = 0;
	for (const { change } of moments) {
		now += change;
		most = Math.max(most, now);
	}
	return most;
}
