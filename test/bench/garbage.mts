/** Collecting garbage at will, so that one round does not pay for what another one left behind. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
export const collectGarbage = runInNewContext('gc') as () => void;

const MEGABYTE = 1024 * 1024;

/** Megabytes of the heap that something still holds on to. */
export function heldMegabytes(): number {
	collectGarbage();
	return process.memoryUsage().heapUsed / MEGABYTE;
}

export function residentMegabytes(): number {
	return process.memoryUsage.rss() / MEGABYTE;
}
