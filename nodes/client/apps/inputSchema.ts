import { titleAndUnit } from './unit';
import { isJsonObject, listOf, textOf, type JsonObject } from '../util/json';
import { decodedPart } from '../util/url';

/** A value that an enum may hold. */
export type Choice = string | number | boolean;

type Limit = number | undefined;

/** What a field takes, with its limits; `above` and `below` are exclusive ones. */
export type FieldKind =
	| { readonly type: 'text'; readonly min?: Limit; readonly max?: Limit }
	| {
			readonly type: 'number';
			readonly integer: boolean;
			readonly min?: Limit;
			readonly max?: Limit;
			readonly above?: Limit;
			readonly below?: Limit;
	  }
	| { readonly type: 'boolean' }
	| { readonly type: 'choice'; readonly choices: readonly Choice[] }
	/** The URI of a file; schemas of older styles want `{ uri }`, or take either. */
	| { readonly type: 'file'; readonly as: 'text' | 'object' | 'either' }
	| { readonly type: 'list'; readonly items: FieldKind; readonly min?: Limit; readonly max?: Limit }
	| { readonly type: 'object'; readonly fields: readonly FormField[] }
	/** One of several kinds; anything at all if there are none. */
	| { readonly type: 'any'; readonly kinds: readonly FieldKind[] };

/** One property of an input schema, as a form shows it. */
export interface FormField {
	readonly id: string;
	readonly title: string;
	/** What a number counts: `ms`, `px`; undefined if the schema does not tell. */
	readonly unit?: string | undefined;
	readonly kind: FieldKind;
	readonly required: boolean;
	/** The schema asks to show it, or it is one of several of which one is required. */
	readonly promoted: boolean;
	/** Undefined if there is none; null counts as none. */
	readonly default: unknown;
}

/** An input schema as a form. */
export interface Form {
	/** Promoted fields, then required ones, then the others, each in the order of the schema. */
	readonly fields: readonly FormField[];
	/** Sets of fields of which one must be filled in completely; empty if there is no such rule. */
	readonly alternatives: ReadonlyArray<readonly string[]>;
}

/** How deep lists and objects are read; definitions may contain themselves. */
const DEEPEST = 6;
/** How many references and unions may lead on to each other. */
const LONGEST_CHAIN = 50;
/** Parts of a schema that are read for one form: far more than anybody can fill in. */
const MOST_PARTS = 20_000;
/** However many fields there are, so many parts of each are read. */
const LEAST_PARTS = 10;
const ANYTHING: FieldKind = { type: 'any', kinds: [] };

/** What is read of a schema, besides references and unions. */
const KEYWORDS =
	'type enum const format minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum items minItems maxItems properties required default x-promoted'.split(
		' ',
	);

const objectOf = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});
const numberOf = (value: unknown) => (typeof value === 'number' ? value : undefined);
const isText = (value: unknown) => typeof value === 'string';
const isChoice = (value: unknown): value is Choice =>
	['string', 'number', 'boolean'].includes(typeof value);

function unionOf(given: readonly FieldKind[]): FieldKind {
	// What is in several branches is tried once.
	const kinds = [
		...new Set(
			given.flatMap((kind) => (kind.type === 'any' && kind.kinds.length > 0 ? kind.kinds : [kind])),
		),
	];
	const choices = kinds.flatMap((kind) => (kind.type === 'choice' ? [kind] : []));
	if (choices.length > 0 && choices.length === kinds.length) {
		return { type: 'choice', choices: choices.flatMap((kind) => kind.choices) };
	}
	const files = kinds.flatMap((kind) => (kind.type === 'file' ? [kind] : []));
	const texts = kinds.filter((kind) => kind.type === 'text');
	if (files.length > 0 && files.length + texts.length === kinds.length) {
		const [first, ...others] = new Set(files.map((kind) => kind.as));
		const same = texts.length === 0 && others.length === 0;
		return { type: 'file', as: same && first !== undefined ? first : 'either' };
	}
	return kinds.length === 0 ? ANYTHING : { type: 'any', kinds };
}

/** Whether an object is a file in the older style: all that it needs is its URI. */
function isFile({ properties, required }: JsonObject): boolean {
	return 'uri' in objectOf(properties) && listOf(required).every((name) => name === 'uri');
}

/** Whether a schema refers to no other one, and is no union: most fields of large forms. */
function isFlat({ $ref, anyOf, oneOf, allOf, type }: JsonObject): boolean {
	const others = $ref ?? anyOf ?? oneOf ?? allOf;
	return (others ?? undefined) === undefined && typeof type === 'string';
}

/** A longer id is no name that could be read. */
const LONGEST_NAME = 200;

/** `aspect_ratio` → Aspect Ratio */
function titleFrom(id: string): string {
	const begun = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
	if (id.length > LONGEST_NAME || !/[_\s-]/.test(id)) return begun(id);
	const words = id.split(/[_\s-]+/).filter((word) => word !== '');
	const title = words.map(begun).join(' ');
	return title === '' ? id : title;
}

/**
 * Reads a schema, each part of it once, however many references lead there. A part that contains
 * itself, and what there is too much of, takes anything: an app's author must not hold up n8n.
 */
class SchemaReader {
	/** Definitions by their names and by their `$id`s. */
	private readonly definitions = new Map<string, JsonObject>();
	private readonly flat = new Map<JsonObject, JsonObject>();
	/** Kinds of flat schemas at each depth. */
	private readonly kinds: Array<Map<JsonObject, FieldKind>> = [];
	private readonly properties = new Map<JsonObject, ReadonlyArray<readonly [string, unknown]>>();
	private left = MOST_PARTS;

	constructor(private readonly root: JsonObject) {
		const named = { ...objectOf(root['definitions']), ...objectOf(root['$defs']) };
		for (const [name, value] of Object.entries(named)) {
			const schema = objectOf(value);
			this.definitions.set(name, schema);
			const id = textOf(schema['$id']);
			if (id !== undefined && !this.definitions.has(id)) this.definitions.set(id, schema);
		}
	}

	/** The fields of the whole form, each with its part of what may be read. */
	form(): FormField[] {
		const entries = Object.entries(objectOf(this.root['properties']));
		const share = Math.max(LEAST_PARTS, MOST_PARTS / entries.length);
		return this.fields(this.root, entries, 0, share);
	}

	/** @param share parts to read of each field, if it has a number of its own */
	private fields(
		{ required }: JsonObject,
		entries: ReadonlyArray<readonly [id: string, property: unknown]>,
		depth: number,
		share?: number,
	): FormField[] {
		const isRequired = new Set(listOf(required));
		return entries.map(([id, value]) => {
			this.left = share ?? this.left;
			const property = objectOf(value);
			const flat = this.flattened(property);
			const kind = this.kindOf(flat, depth);
			// Not that of a definition: it would be the name of a class.
			const title = textOf(property['title']) ?? titleFrom(id);
			return {
				id,
				...(kind.type === 'number' ? titleAndUnit(id, title, property) : { title }),
				kind,
				required: isRequired.has(id),
				promoted: flat['x-promoted'] === true,
				default: flat['default'] ?? undefined,
			};
		});
	}

	private may(parts: number): boolean {
		this.left -= parts;
		return this.left >= 0;
	}

	/**
	 * What `#/$defs/Name`, or an `$id`, refers to. By hand: an `$id` among the definitions would move
	 * the base of references for a strict resolver, but not for the service (API notes 7.5).
	 */
	private definition(ref: string): JsonObject {
		if (ref === '#') return this.root;
		const last = ref.slice(ref.lastIndexOf('/') + 1);
		// In a JSON pointer a slash is written ~1 and a tilde ~0 (RFC 6901).
		const name = decodedPart(last).replaceAll('~1', '/').replaceAll('~0', '~');
		const { definitions } = this;
		return definitions.get(name) ?? definitions.get(last) ?? definitions.get(ref) ?? {};
	}

	/** A schema without references and without the null of optional fields; unions are in `anyOf`. */
	private flattened(schema: JsonObject, chain = 0): JsonObject {
		const known = this.flat.get(schema);
		if (known) return known;
		if (chain > LONGEST_CHAIN || !this.may(1)) return {};
		if (isFlat(schema)) {
			this.flat.set(schema, schema);
			return schema;
		}
		// Until it is read, nothing is known of it.
		this.flat.set(schema, {});
		const flat = this.flatten(schema, chain + 1);
		this.flat.set(schema, flat);
		return flat;
	}

	private flatten(schema: JsonObject, chain: number): JsonObject {
		const own: Record<string, unknown> = {};
		for (const name of KEYWORDS) if (schema[name] !== undefined) own[name] = schema[name];
		const { $ref, anyOf, oneOf, allOf, type } = schema;
		const ref = textOf($ref);
		if (ref !== undefined) return { ...this.flattened(this.definition(ref), chain), ...own };
		const all = listOf(Array.isArray(type) ? type : (anyOf ?? oneOf ?? allOf));
		if (!this.may(all.length)) return {};
		const branches = all
			.map((one) =>
				Array.isArray(type) ? { ...own, type: one } : this.flattened(objectOf(one), chain),
			)
			.filter((branch) => branch['type'] !== 'null');
		const [only, ...more] = branches;
		if (only === undefined) return own;
		return more.length > 0 ? { ...own, anyOf: branches } : { ...only, ...own, type: only['type'] };
	}

	/** @param schema as `flattened` returns it */
	private kindOf(schema: JsonObject, depth: number): FieldKind {
		const known = (this.kinds[depth] ??= new Map());
		const kind = known.get(schema) ?? this.read(schema, depth);
		known.set(schema, kind);
		return kind;
	}

	private read(schema: JsonObject, depth: number): FieldKind {
		if (depth > DEEPEST || !this.may(1)) return ANYTHING;
		const values = listOf(schema['enum'] ?? [schema['const']]);
		if (!this.may(values.length + listOf(schema['required']).length)) return ANYTHING;
		const choices = values.filter(isChoice);
		if (choices.length > 0) return { type: 'choice', choices };
		switch (schema['type']) {
			case 'string':
				if (schema['format'] === 'file') return { type: 'file', as: 'text' };
				return {
					type: 'text',
					min: numberOf(schema['minLength']),
					max: numberOf(schema['maxLength']),
				};
			case 'integer':
			case 'number':
				return {
					type: 'number',
					integer: schema['type'] === 'integer',
					min: numberOf(schema['minimum']),
					max: numberOf(schema['maximum']),
					above: numberOf(schema['exclusiveMinimum']),
					below: numberOf(schema['exclusiveMaximum']),
				};
			case 'boolean':
				return { type: 'boolean' };
			case 'array':
				return {
					type: 'list',
					items: this.kindOf(this.flattened(objectOf(schema['items'])), depth + 1),
					min: numberOf(schema['minItems']),
					max: numberOf(schema['maxItems']),
				};
			case 'object':
				return isFile(schema) || schema['format'] === 'file'
					? { type: 'file', as: 'object' }
					: this.object(schema, depth + 1);
			default:
				return this.union(listOf(schema['anyOf']).map((one) => this.kindOf(objectOf(one), depth)));
		}
	}

	private union(kinds: readonly FieldKind[]): FieldKind {
		const inside = (kind: FieldKind) => {
			if (kind.type === 'choice') return kind.choices.length;
			return kind.type === 'any' ? kind.kinds.length : 0;
		};
		const parts = kinds.reduce((sum, kind) => sum + inside(kind), 0);
		return this.may(parts) ? unionOf(kinds) : ANYTHING;
	}

	private object(schema: JsonObject, depth: number): FieldKind {
		const properties = objectOf(schema['properties']);
		const entries = this.properties.get(properties) ?? Object.entries(properties);
		this.properties.set(properties, entries);
		const fields = this.may(entries.length) ? this.fields(schema, entries, depth) : [];
		return { type: 'object', fields };
	}
}

/** Root-level `anyOf`: each branch names fields that must not be null. */
function alternativesOf(schema: JsonObject): ReadonlyArray<readonly string[]> {
	const sets = listOf(schema['anyOf']).map((branch) => {
		const { required, properties } = objectOf(branch);
		const notNull = Object.entries(objectOf(properties))
			.filter(([, property]) => objectOf(objectOf(property)['not'])['type'] === 'null')
			.map(([id]) => id);
		return [...listOf(required).filter(isText), ...notNull];
	});
	return sets.some((set) => set.length === 0) ? [] : sets;
}

/**
 * Reads an input or setup schema (API notes 7.5) as the fields of a form. What it does not know it
 * leaves out; a field whose type it cannot tell takes anything.
 */
export function readForm(schema: JsonObject): Form {
	const alternatives = alternativesOf(schema);
	const oneOfThese = new Set(alternatives.flat());
	const fields = new SchemaReader(schema)
		.form()
		.map((field) => (oneOfThese.has(field.id) ? { ...field, promoted: true } : field));
	const rank = (field: FormField) => (field.promoted ? 0 : field.required ? 1 : 2);
	return { fields: fields.sort((left, right) => rank(left) - rank(right)), alternatives };
}
