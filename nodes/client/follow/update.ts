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

/**
 * What is known of an object of the service after an update: a shallow overwrite of the fields that
 * the update sets. A partial one may carry zero values in all its other fields, which is why
 * `fields` is an allow-list. Only the id counts without being named in it; it never changes.
 */
export function mergeUpdate(known: JsonObject, update: Update): JsonObject {
	const { data, fields } = update;
	const merged: Record<string, unknown> = fields ? { ...known } : { ...known, ...data };
	if (fields) for (const name of updatedFields(update)) merged[name] = data[name];
	const id = known['id'] ?? update.data['id'];
	if (id !== undefined) merged['id'] = id;
	return merged;
}
