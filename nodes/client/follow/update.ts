import type { JsonObject } from '../util/json';

/** A change as a stream sends it: with `fields`, only these of `data` count (API notes 4.2). */
export interface Update {
	readonly data: JsonObject;
	readonly fields?: readonly string[] | undefined;
}

/** Names of the top-level fields that an update sets. */
export function updatedFields(update: Update): readonly string[] {
	const present = (key: string) => update.data[key] !== undefined;
	return (update.fields ?? Object.keys(update.data)).filter(present);
}
