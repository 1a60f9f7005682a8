import { isJsonObject, type JsonObject } from '../../client/util/json';
import type { FileSlot } from '../parameters/fileSlot';

/** A file has no place in an input. The message continues "Parameter "image" …". */
export class PlaceError extends Error {
	constructor(
		readonly slot: FileSlot,
		message: string,
	) {
		super(message);
	}
}

type Container = unknown[] | Record<string, unknown>;

/** How a property is that has been assigned. */
const OF_ITS_OWN = { writable: true, enumerable: true, configurable: true };

const isIndex = (key: string) => /^\d+$/.test(key);

/**
 * An input with URIs put into it; what leads to them is made as needed. Where there is nothing, a
 * number leads into a list and any other key into an object: into `{}`, the path `images.0.uri`
 * puts `{ images: [{ uri }] }`.
 *
 * @param input stays as it is
 * @param uris one for each slot, in the same order
 * @throws PlaceError if a path leads nowhere
 */
export function placeFiles(
	input: JsonObject,
	slots: readonly FileSlot[],
	uris: readonly string[],
): JsonObject {
	const whole = { ...input };
	const copies = new Copies();
	for (const [index, slot] of slots.entries()) {
		const keys = slot.path.split('.');
		let container: Container = whole;
		for (const [depth, key] of keys.entries()) {
			checkKey(container, key, slot);
			const next = keys[depth + 1];
			if (next === undefined) set(container, key, uris[index]);
			else container = copies.inside(container, key, next, slot);
		}
	}
	return whole;
}

/** Lists and objects inside an input that may be changed: each is copied once, however often it is. */
class Copies {
	private readonly own = new Set<Container>();

	/**
	 * What is at a key, as something that may be changed.
	 *
	 * @param next the key that it has to have room for
	 * @throws PlaceError if something else is there
	 */
	inside(container: Container, key: string, next: string, slot: FileSlot): Container {
		const there = get(container, key);
		if (isContainer(there) && this.own.has(there)) return there;
		const copy = copyOf(there, next);
		if (!copy) throw noObject(next, slot);
		this.own.add(copy);
		set(container, key, copy);
		return copy;
	}
}

function isContainer(value: unknown): value is Container {
	return typeof value === 'object' && value !== null;
}

function copyOf(value: unknown, next: string): Container | undefined {
	if (Array.isArray(value)) return value.slice();
	if (isJsonObject(value)) return { ...value };
	if (value === undefined || value === null) return isIndex(next) ? [] : {};
	return undefined;
}

function checkKey(container: Container, key: string, slot: FileSlot): void {
	if (!Array.isArray(container)) {
		if (key === '') throw noObject(key, slot);
	} else if (!isIndex(key) || Number(key) > container.length) {
		const held = `the list there has the length ${container.length}`;
		throw new PlaceError(slot, `leads nowhere in the input at ${JSON.stringify(key)}: ${held}`);
	}
}

function noObject(key: string, slot: FileSlot): PlaceError {
	const where = JSON.stringify(key);
	return new PlaceError(slot, `leads nowhere in the input at ${where}: no object is there`);
}

function get(container: Container, key: string): unknown {
	if (Array.isArray(container)) return container[Number(key)];
	return Object.hasOwn(container, key) ? container[key] : undefined;
}

function set(container: Container, key: string, value: unknown): void {
	if (Array.isArray(container)) container[Number(key)] = value;
	// A plain assignment to `__proto__` would mean something else.
	else Object.defineProperty(container, key, { ...OF_ITS_OWN, value });
}
