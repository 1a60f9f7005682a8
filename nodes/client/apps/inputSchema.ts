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

/** How deep definitions are followed that contain themselves. */
const DEEPEST = 6;
const ANYTHING: FieldKind = { type: 'any', kinds: [] };

const objectOf = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});
const numberOf = (value: unknown) => (typeof value === 'number' ? value : undefined);
const isText = (value: unknown) => typeof value === 'string';
const isChoice = (value: unknown): value is Choice =>
	['string', 'number', 'boolean'].includes(typeof value);

/**
 * What `#/$defs/Name`, or an `$id`, refers to. By hand: an `$id` among the definitions would move
 * the base of references for a strict resolver, but not for the service (API notes 7.5).
 */
function definition(ref: string, root: JsonObject): JsonObject {
	const known = { ...objectOf(root['definitions']), ...objectOf(root['$defs']) };
	const last = ref.slice(ref.lastIndexOf('/') + 1);
	// In a JSON pointer a slash is written ~1 and a tilde ~0 (RFC 6901).
	const name = decodedPart(last).replaceAll('~1', '/').replaceAll('~0', '~');
	const named = known[name] ?? known[last];
	return objectOf(named ?? Object.values(known).find((entry) => objectOf(entry)['$id'] === ref));
}

/** A schema without references and without the null of optional fields; unions are in `anyOf`. */
function plain(schema: JsonObject, root: JsonObject, depth = 0): JsonObject {
	if (depth > DEEPEST) return {};
	const { $ref, anyOf, oneOf, allOf, ...own } = schema;
	const ref = textOf($ref);
	if (ref !== undefined) return plain({ ...definition(ref, root), ...own }, root, depth + 1);
	const { type } = own;
	const branches = Array.isArray(type)
		? type.filter((name) => name !== 'null').map((name: unknown) => ({ ...own, type: name }))
		: listOf(anyOf ?? oneOf ?? allOf)
				.map((branch) => plain(objectOf(branch), root, depth + 1))
				.filter((branch) => branch['type'] !== 'null');
	const [only, ...more] = branches;
	if (only === undefined) return own;
	return more.length > 0 ? { ...own, anyOf: branches } : { ...only, ...own, type: only['type'] };
}

function unionOf(kinds: readonly FieldKind[]): FieldKind {
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
	return { type: 'any', kinds };
}

/** Whether an object is a file in the older style: all that it needs is its URI. */
function isFile({ properties, required }: JsonObject): boolean {
	return 'uri' in objectOf(properties) && listOf(required).every((name) => name === 'uri');
}

/** @param schema as `plain` returns it */
function kindOf(schema: JsonObject, root: JsonObject, depth = 0): FieldKind {
	if (depth > DEEPEST) return ANYTHING;
	const inner = (value: unknown) => kindOf(plain(objectOf(value), root), root, depth + 1);
	const choices = listOf(schema['enum'] ?? [schema['const']]).filter(isChoice);
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
				items: inner(schema['items']),
				min: numberOf(schema['minItems']),
				max: numberOf(schema['maxItems']),
			};
		case 'object':
			return isFile(schema)
				? { type: 'file', as: 'object' }
				: { type: 'object', fields: fieldsOf(schema, root, depth + 1) };
		default:
			return unionOf(listOf(schema['anyOf']).map(inner));
	}
}

/** `aspect_ratio` → Aspect Ratio */
function titleFrom(id: string): string {
	const words = id.split(/[_\s-]+/).filter((word) => word !== '');
	const title = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' ');
	return title === '' ? id : title;
}

function fieldsOf(schema: JsonObject, root: JsonObject, depth = 0): FormField[] {
	const required = new Set(listOf(schema['required']));
	return Object.entries(objectOf(schema['properties'])).map(([id, value]) => {
		const property = objectOf(value);
		const flat = plain(property, root);
		const kind = kindOf(flat, root, depth);
		// Not that of a definition: it would be the name of a class.
		const title = textOf(property['title']) ?? titleFrom(id);
		return {
			id,
			...(kind.type === 'number' ? titleAndUnit(id, title, property) : { title }),
			kind,
			required: required.has(id),
			promoted: flat['x-promoted'] === true,
			default: flat['default'] ?? undefined,
		};
	});
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
	const fields = fieldsOf(schema, schema).map((field) =>
		oneOfThese.has(field.id) ? { ...field, promoted: true } : field,
	);
	const rank = (field: FormField) => (field.promoted ? 0 : field.required ? 1 : 2);
	return { fields: fields.sort((left, right) => rank(left) - rank(right)), alternatives };
}
