/** Waiting for something to be so, instead of for a time in which it should have come about. */

/** How often a condition is looked at, ms. */
const EVERY_MS = 2;

/** Waits until something is so; the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
	while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}

/** Lets everything happen that needs no time. */
export async function nextTurn(): Promise<void> {
	await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Gives something that must not happen the time to happen. A slow machine can only make a test blind
 * that ends with this, never make it fail; nothing may be expected to have happened by then.
 */
export async function aMoment(): Promise<void> {
	await new Promise((resolve) => setTimeout(resolve, 60));
}
