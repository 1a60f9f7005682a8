/** Time that two processes of one machine can compare. */

/** The machine's monotonic clock, ms with fractions. Not per process, as `performance.now` is. */
export function machineTime(): number {
	return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** The time of day, ms since the epoch with fractions. */
export function wallTime(): number {
	return performance.timeOrigin + performance.now();
}

export async function pause(ms: number): Promise<void> {
	await new Promise((resolve) => setTimeout(resolve, ms));
}
