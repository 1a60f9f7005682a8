import { path } from '../api/api';
import { ValidationError } from '../errors';
import { asJsonObject, textOf, type JsonObject } from '../util/json';

/** A flow as far as it is needed to run it. */
export interface Flow {
	readonly id: string;
	/** Schemas of the version that is going to run; undefined if it has none. */
	readonly input: JsonObject | undefined;
	readonly output: JsonObject | undefined;
	readonly wire: JsonObject;
}

/**
 * The route of a flow.
 *
 * @param ref its id, or `namespace/name`
 * @throws ValidationError if it can be neither
 */
export function flowRoute(ref: string): string {
	const parts = ref
		.replace(/@.*$/, '')
		.replace(/^flow\/(?=[^/]+\/)/, '')
		.split('/');
	if (parts.length <= 2) return path('flows', ...parts);
	throw new ValidationError(`There is no flow ${JSON.stringify(ref)}`, {
		hint: 'Enter its ID, or namespace/name. No request was made with this.',
	});
}

/** Views a wire object as a flow; undefined if it is no object with an `id`. */
export function flowFromWire(wire: unknown): Flow | undefined {
	const flow = asJsonObject(wire);
	const id = textOf(flow?.['id']);
	if (!flow || id === undefined) return undefined;
	const version = asJsonObject(flow['version']) ?? {};
	const schema = (name: string) => asJsonObject(version[name]) ?? asJsonObject(flow[name]);
	return { id, input: schema('input_schema'), output: schema('output_schema'), wire: flow };
}
