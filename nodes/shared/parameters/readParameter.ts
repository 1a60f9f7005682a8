import type { NodeParameterValueType } from 'n8n-workflow';
import { isJsonObject } from '../../client/util/json';
import { displayNameOf } from './displayNames';
import { nodeOf, type ParameterContext } from './nodeOf';
import { parameterError, shown } from './parameterError';
import { withoutFullStop } from '../../client/api/problem';
import { messageOf } from '../../client/util/errorMessage';

/** Which parameter to read, and for which item. */
export interface ParameterRequest {
	/** `concurrency`, or a path: `options.session`, `fields.value["my.field"]`. */
	readonly name: string;
	/** What a form calls it; of all others the panel tells. */
	readonly displayName?: string;
	readonly itemIndex: number;
	/** What it is if the node does not have it. */
	readonly fallback: NodeParameterValueType;
	/** Of a resource locator, reads what was chosen in it. */
	readonly extractValue?: boolean;
}

/** Values that are the same for all items, by name. */
const fixedValues = new WeakMap<object, Map<string, unknown>>();

/** Whether a parameter, as the workflow has it, holds an expression somewhere. */
export function isExpression(value: unknown): boolean {
	if (typeof value === 'string') return value.startsWith('=');
	return typeof value === 'object' && value !== null && Object.values(value).some(isExpression);
}

/** What is chosen in a picker or typed into it; workflows may hold the plain value as well. */
export function pickedValue(value: unknown): unknown {
	return isJsonObject(value) && 'mode' in value && 'value' in value ? value['value'] : value;
}

/**
 * Reads a parameter for one item. What has no expression is the same for all items, so n8n is
 * asked for it once: it takes its time even for a plain value, and much more for an expression.
 *
 * @throws NodeOperationError that names the parameter and the item if its expression fails
 */
export function readParameter(context: ParameterContext, request: ParameterRequest): unknown {
	const { name, displayName, itemIndex, fallback, extractValue = false } = request;
	const fixed = fixedValues.get(context) ?? new Map<string, unknown>();
	fixedValues.set(context, fixed);
	if (fixed.has(name)) return fixed.get(name);
	const node = nodeOf(context);
	try {
		const value: unknown = context.getNodeParameter(name, itemIndex, fallback, { extractValue });
		if (!isExpression(entered(node.parameters, name))) fixed.set(name, value);
		return value;
	} catch (error) {
		const message = withoutFullStop(messageOf(error));
		throw parameterError(node, {
			parameter: displayName ?? displayNameOf(context, name),
			problem: `cannot be read: ${message}. Its value is ${shown(entered(node.parameters, name))}`,
			itemIndex,
		});
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
