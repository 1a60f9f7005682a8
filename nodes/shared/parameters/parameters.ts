import {
	NodeOperationError,
	type IExecuteFunctions,
	type INode,
	type NodeParameterValueType,
} from 'n8n-workflow';
import { isJsonObject, type JsonObject } from '../../client/util/json';
import { parseHttpUrl } from '../../client/util/url';
import { jsonErrorPlace } from './jsonPlace';
import { parameterError, shown } from './parameterError';

/** What reads parameters: the execution context, one item at a time. */
export type ParameterSource = Pick<IExecuteFunctions, 'getNode' | 'getNodeParameter'>;

const nodes = new WeakMap<object, INode>();

/** The node of a context. n8n copies it whenever it is asked for, which every item would pay for. */
export function nodeOf(context: ParameterSource): INode {
	const known = nodes.get(context);
	if (known) return known;
	const node = context.getNode();
	nodes.set(context, node);
	return node;
}

/** Values that are the same for all items, by what was read. */
const fixedValues = new WeakMap<object, Map<string, unknown>>();

export function isExpression(value: unknown): boolean {
	if (typeof value === 'string') return value.startsWith('=');
	return typeof value === 'object' && value !== null && Object.values(value).some(isExpression);
}

/**
 * Reads a parameter for one item. What has no expression is the same for all items, so n8n is
 * asked for it once.
 *
 * @throws NodeOperationError that names the parameter and the item if its expression fails
 */
export function readParameter(
	context: ParameterSource,
	name: string,
	displayName: string,
	itemIndex: number,
	fallback: NodeParameterValueType,
	extractValue = false,
): unknown {
	const fixed = fixedValues.get(context) ?? new Map<string, unknown>();
	fixedValues.set(context, fixed);
	if (fixed.has(name)) return fixed.get(name);
	const { parameters } = nodeOf(context);
	try {
		const value: unknown = context.getNodeParameter(name, itemIndex, fallback, { extractValue });
		if (!isExpression(entered(parameters, name))) fixed.set(name, value);
		return value;
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		throw parameterError(
			nodeOf(context),
			displayName,
			`cannot be read: ${message}. Its value is ${shown(entered(parameters, name))}`,
			itemIndex,
		);
	}
}

/** A parameter as it was entered; `options.session` and `fields.value["my.field"]` lead inside. */
function entered(parameters: unknown, name: string): unknown {
	const keys = name.match(/"(?:[^"\\]|\\.)*"|[^.[\]"]+/g) ?? [];
	return keys.reduce<unknown>((inner, key) => {
		if (!isJsonObject(inner)) return undefined;
		return inner[key.startsWith('"') ? String(JSON.parse(key)) : key];
	}, parameters);
}

/** What is chosen in a picker or typed into it; workflows may hold the plain value as well. */
export function pickedValue(value: unknown): unknown {
	return isJsonObject(value) && 'mode' in value && 'value' in value ? value['value'] : value;
}

/** Whether nothing has been entered: no text, an object without keys. */
export function isBlank(value: unknown): boolean {
	return (
		value === undefined ||
		value === null ||
		(typeof value === 'string' && value.trim() === '') ||
		(isJsonObject(value) && Object.keys(value).length === 0)
	);
}

/** One parameter's value with what is needed to complain about it. */
export interface Field {
	readonly node: INode;
	readonly displayName: string;
	readonly value: unknown;
	/** Undefined for settings of the whole run. */
	readonly itemIndex?: number | undefined;
}

function complain(field: Field, problem: string): NodeOperationError {
	return parameterError(field.node, field.displayName, problem, field.itemIndex);
}

/**
 * A number within bounds.
 *
 * @throws NodeOperationError
 */
export function numberIn(
	field: Field,
	bounds: { readonly min: number; readonly max: number; readonly integer?: boolean },
): number {
	const { value } = field;
	const numeric = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
	const { min, max, integer = false } = bounds;
	const valid =
		typeof numeric === 'number' &&
		Number.isFinite(numeric) &&
		numeric >= min &&
		numeric <= max &&
		(!integer || Number.isInteger(numeric));
	if (!valid) {
		const kind = integer ? 'a whole number' : 'a number';
		throw complain(field, `must be ${kind} from ${min} to ${max}, but is ${shown(value)}`);
	}
	return numeric;
}

/**
 * One of several words.
 *
 * @throws NodeOperationError
 */
export function oneOf<const T extends string>(field: Field, allowed: readonly T[]): T {
	const found = allowed.find((word) => word === field.value);
	if (found === undefined) {
		throw complain(field, `must be one of ${allowed.join(', ')}, but is ${shown(field.value)}`);
	}
	return found;
}

/**
 * Text, undefined if it is empty.
 *
 * @throws NodeOperationError
 */
export function optionalText(field: Field): string | undefined {
	const { value } = field;
	if (value === undefined || value === null || value === '') return undefined;
	if (typeof value !== 'string') throw complain(field, `must be text, but is ${shown(value)}`);
	return value.trim() === '' ? undefined : value.trim();
}

/**
 * An http or https URL, undefined if it is empty.
 *
 * @throws NodeOperationError
 */
export function optionalUrl(field: Field): string | undefined {
	const text = optionalText(field);
	if (text === undefined) return undefined;
	if (parseHttpUrl(text) === undefined) {
		throw complain(field, `must be an http or https URL, but is ${shown(text)}`);
	}
	return text;
}

/**
 * A point in time as RFC 3339, undefined if it is empty.
 *
 * @throws NodeOperationError
 */
export function optionalTime(field: Field): string | undefined {
	const text = optionalText(field);
	if (text === undefined) return undefined;
	const at = Date.parse(text);
	if (Number.isNaN(at)) {
		throw complain(field, `must be a date and time, but is ${shown(text)}`);
	}
	return new Date(at).toISOString();
}

/**
 * A JSON object, given as text (typed) or as a value (from an expression).
 *
 * @throws NodeOperationError
 */
export function jsonObject(field: Field): JsonObject {
	const { value } = field;
	const parsed = typeof value === 'string' ? parse(field, value) : value;
	if (!isJsonObject(parsed)) {
		throw complain(field, `must be a JSON object, but is ${shown(parsed)}`);
	}
	return parsed;
}

function parse(field: Field, text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		const said = error instanceof Error ? error.message : String(error);
		const reason = /\(line \d+ column \d+\)$/.test(said)
			? said
			: `${said}, ${jsonErrorPlace(text)}`;
		throw complain(field, `is not valid JSON (${reason}): ${shown(text)}`);
	}
}
