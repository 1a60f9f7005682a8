import { sameJson, type JsonObject } from '../util/json';

/** For how long something has looked the same. */
export class Stillness {
	private last: { readonly wire: JsonObject; readonly since: number } | undefined;

	/**
	 * Takes in how it looks.
	 *
	 * @param now by the caller's clock, ms
	 * @returns since it has looked so, ms
	 */
	lastsFor(wire: JsonObject, now: number): number {
		const { last } = this;
		const since = last && sameJson(last.wire, wire) ? last.since : now;
		this.last = { wire, since };
		return now - since;
	}

	/** It is at work; what it looks like counts anew. */
	end(): void {
		this.last = undefined;
	}
}
