/** Small helpers to write Pydantic-style schemas, and a validator for them. */
import type { JsonSchema } from '../types.mts';
import { isRecord, text } from '../util/values.mts';

type Extra = Readonly<Record<string, unknown>>;

/** Marks a property as optional without a default of its own: `anyOf` with null. */
export function optional(schema: JsonSchema, extra: Extra = {}): JsonSchema {
	const { title, description, ...type } = schema;
	return {
		anyOf: [type, { type: 'null' }],
		default: null,
		...(description === undefined ? {} : { description }),
		...(title === undefined ? {} : { title }),
		...extra,
	};
}

export const string = (title: string, extra: Extra = {}): JsonSchema => ({
	type: 'string',
	title,
	...extra,
});
export const integer = (title: string, extra: Extra = {}): JsonSchema => ({
	type: 'integer',
	title,
	...extra,
});
export const number = (title: string, extra: Extra = {}): JsonSchema => ({
	type: 'number',
	title,
	...extra,
});
export const boolean = (title: string, extra: Extra = {}): JsonSchema => ({
	type: 'boolean',
	title,
	...extra,
});
export const file = (title: string, extra: Extra = {}): JsonSchema => ({
	type: 'string',
	format: 'file',
	title,
	...extra,
});
/** Any JSON value. */
export const anything = (title: string, extra: Extra = {}): JsonSchema => ({ title, ...extra });

/** The root schema of a function's input. */
export function inputSchema(
	properties: Readonly<Record<string, JsonSchema>>,
	required: readonly string[] = [],
	extra: Extra = {},
): JsonSchema {
	return {
		...extra,
		properties,
		...(required.length > 0 ? { required } : {}),
		title: 'AppInput',
		type: 'object',
	};
}

/** The root schema of a function's output. */
export function outputSchema(
	properties: Readonly<Record<string, JsonSchema>>,
	required: readonly string[] = Object.keys(properties),
): JsonSchema {
	return { properties, required, title: 'AppOutput', type: 'object' };
}

function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
	const ref = schema['$ref'];
	if (typeof ref !== 'string' || !ref.startsWith('#/$defs/')) return schema;
	const definitions = root['$defs'];
	const target = isRecord(definitions) ? definitions[ref.slice('#/$defs/'.length)] : undefined;
	return isRecord(target) ? target : {};
}

/** Numbers in text pass, as they do in Pydantic. */
function isNumeric(value: unknown): boolean {
	if (typeof value === 'number') return Number.isFinite(value);
	return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));
}

function hasType(type: unknown, value: unknown): boolean {
	switch (type) {
		case 'string':
			return typeof value === 'string';
		case 'integer':
			return isNumeric(value) && Number.isInteger(Number(value));
		case 'number':
			return isNumeric(value);
		case 'boolean':
			return typeof value === 'boolean';
		case 'array':
			return Array.isArray(value);
		case 'object':
			return isRecord(value);
		case 'null':
			return value === null;
		default:
			return true;
	}
}

function check(
	given: JsonSchema,
	root: JsonSchema,
	value: unknown,
	at: string,
): string | undefined {
	const schema = resolve(given, root);
	for (const keyword of ['anyOf', 'oneOf']) {
		const branches = schema[keyword];
		if (!Array.isArray(branches)) continue;
		const errors: Array<string | undefined> = branches.map((branch: unknown) =>
			isRecord(branch) ? check(branch, root, value, at) : undefined,
		);
		if (!errors.includes(undefined)) return errors[0];
	}
	const { type } = schema;
	if (type !== undefined && !hasType(type, value)) {
		return `'${at}' must be of type ${text(type)}`;
	}
	const allowed = schema['enum'];
	if (Array.isArray(allowed) && !allowed.includes(value)) {
		return `'${at}' must be one of ${allowed.map((one) => JSON.stringify(one)).join(', ')}`;
	}
	if (type === 'integer' || type === 'number') {
		const { minimum, maximum, exclusiveMinimum } = schema;
		const size = Number(value);
		if (typeof minimum === 'number' && size < minimum) return `'${at}' must be >= ${minimum}`;
		if (typeof maximum === 'number' && size > maximum) return `'${at}' must be <= ${maximum}`;
		if (typeof exclusiveMinimum === 'number' && size <= exclusiveMinimum) {
			return `'${at}' must be > ${exclusiveMinimum}`;
		}
	}
	if (Array.isArray(value)) {
		const { items, minItems } = schema;
		if (typeof minItems === 'number' && value.length < minItems) {
			return `'${at}' must have at least ${minItems} item(s)`;
		}
		if (isRecord(items)) {
			for (let i = 0; i < value.length; i++) {
				const error = check(items, root, value[i], `${at}[${i}]`);
				if (error) return error;
			}
		}
	}
	if (isRecord(value)) return checkObject(schema, root, value, at);
	return undefined;
}

function checkObject(
	schema: JsonSchema,
	root: JsonSchema,
	value: Readonly<Record<string, unknown>>,
	at: string,
): string | undefined {
	const { required, properties } = schema;
	if (Array.isArray(required)) {
		for (const name of required) {
			if (value[String(name)] === undefined) return `'${String(name)}' is a required property`;
		}
	}
	if (!isRecord(properties)) return undefined;
	for (const name in properties) {
		const property = properties[name];
		if (value[name] === undefined || !isRecord(property)) continue;
		const error = check(property, root, value[name], at === '' ? name : `${at}.${name}`);
		if (error) return error;
	}
	return undefined;
}

/** The first thing wrong with an input, or undefined. */
export function validate(schema: JsonSchema, input: unknown): string | undefined {
	if (!isRecord(input)) return 'input must be an object';
	return checkObject(schema, schema, input, '');
}
