import type { JsonObject } from '../util/json';
import type { Comparison } from './comparison';

/**
 * What identifies a submission: all that the service echoes of it. Made once, from what is really
 * sent, and used by everything that has to know whose something is: the gate that keeps equal
 * submissions apart, the search for a lost one, a further try of the same item, and reuse.
 */
export interface Fingerprint {
	/** What it is a submission of. */
	readonly kind: 'task' | 'message' | 'flow run';
	/** Compares with what the service shows of something that has been created. */
	compare(shown: JsonObject): Comparison;
	/** What the service would show of this submission if it left everything as it was sent. */
	readonly echo: JsonObject;
}

/** Whether one of two submissions could be taken for the other. */
export function mayBeConfused(one: Fingerprint, other: Fingerprint): boolean {
	if (one.kind !== other.kind) return false;
	return one.compare(other.echo) !== 'different' || other.compare(one.echo) !== 'different';
}
