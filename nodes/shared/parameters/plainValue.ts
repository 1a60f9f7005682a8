import { mayBeRounded, ROUNDED } from '../../client/util/exactNumber';
import { isOwnJson, isTooDeep, TOO_DEEP } from './jsonDepth';

/** What becomes of a value of an expression. */
export type PlainValue =
	/** As JSON holds it. */
	| { readonly kind: 'plain'; readonly value: unknown }
	/** JSON would lose it; `problem` continues "Parameter "Input (JSON)" …". */
	| { readonly kind: 'unusable'; readonly problem: string };

const plain = (value: unknown): PlainValue => ({ kind: 'plain', value });
const NOT_SENT = 'which cannot be sent';
const CHANGED = `but ${ROUNDED}: give it as text`;

/** What cannot be sent, and where in the value it is. */
class Unusable {
	constructor(
		readonly what: string,
		readonly why = NOT_SENT,
		readonly keys: readonly string[] = [],
	) {}

	/** The same, seen from what it is in. */
	within(key: string): Unusable {
		return new Unusable(this.what, this.why, [key, ...this.keys]);
	}

	get problem(): string {
		const place = this.keys.join('.');
		return place === ''
			? `is ${this.what}, ${this.why}`
			: `has ${this.what} at ${place}, ${this.why}`;
	}
}

/** `Object`, `Array`, `Date`, `Map` …, also of what another context has made. */
const tagOf = (value: object) => Object.prototype.toString.call(value).slice('[object '.length, -1);

/** Makes parts of a value plain, each one once, however often it is there. */
class Plain {
	private readonly done = new Map<object, unknown>();

	/** The plain form of a value, the value itself where it is plain already. */
	of(value: unknown): unknown {
		switch (typeof value) {
			case 'number':
				if (!Number.isFinite(value)) return new Unusable(String(value));
				return value;
			case 'bigint':
				return fromBigInt(value) ?? new Unusable(`the number ${value}`, CHANGED);
			case 'function':
			case 'symbol':
				return new Unusable(`a ${typeof value}`);
			case 'object':
				return value === null ? null : this.object(value);
			default:
				return value;
		}
	}

	private object(value: object): unknown {
		if (this.done.has(value)) return this.done.get(value);
		const made = this.made(value);
		this.done.set(value, made);
		return made;
	}

	private made(value: object): unknown {
		if (isOwnJson(value)) return this.fromOwnJson(value);
		if (Array.isArray(value)) return this.list(value);
		const tag = tagOf(value);
		switch (tag) {
			case 'Object':
				return this.entries(value);
			case 'Number':
			case 'String':
			case 'Boolean':
			case 'BigInt':
				return this.of(value.valueOf());
			default:
				return new Unusable(`a ${tag}`);
		}
	}

	/** Dates and the like say themselves what they are as JSON: their time in ISO 8601. */
	private fromOwnJson(value: { toJSON(): unknown }): unknown {
		const json = value.toJSON();
		if (json === null || json === undefined) return new Unusable('an invalid date');
		return isTooDeep(json) ? new Unusable('a value', TOO_DEEP) : this.of(json);
	}

	private list(list: readonly unknown[]): unknown {
		let copy: unknown[] | undefined;
		for (let index = 0; index < list.length; index += 1) {
			const made = this.inside(list[index]);
			if (made instanceof Unusable) return made.within(String(index));
			if (!Object.is(made, list[index])) (copy ??= list.slice())[index] = made;
		}
		return copy ?? list;
	}

	private entries(object: object): unknown {
		let copy: Map<string, unknown> | undefined;
		const entries = Object.entries(object);
		for (const [key, value] of entries) {
			const made = this.inside(value);
			if (made instanceof Unusable) return made.within(key);
			if (!Object.is(made, value)) (copy ??= new Map(entries)).set(key, made);
		}
		return copy ? Object.fromEntries(copy) : object;
	}

	private inside(value: unknown): unknown {
		const made = this.of(value);
		if (typeof made !== 'number' || !mayBeRounded(made)) return made;
		return new Unusable(`the number ${made}`, CHANGED);
	}
}

function fromBigInt(value: bigint): number | undefined {
	const number = Number(value);
	return BigInt(number) === value && !mayBeRounded(number) ? number : undefined;
}

/**
 * The value of an expression as JSON holds it: dates become text in ISO 8601, and so on. What JSON
 * would leave out or change without a word is refused: NaN, invalid dates, whole numbers above 2^53.
 * Such a number as the whole value passes: whether it may be used depends on what wants it.
 */
export function plainValue(value: unknown): PlainValue {
	if (typeof value === 'string') return plain(value);
	if (typeof value === 'bigint') return plain(fromBigInt(value) ?? String(value));
	if (isTooDeep(value)) return { kind: 'unusable', problem: TOO_DEEP };
	const made = new Plain().of(value);
	return made instanceof Unusable ? { kind: 'unusable', problem: made.problem } : plain(made);
}
