import type { IDataObject } from 'n8n-workflow';
import { dollarsOf } from '../client/apps/estimate';
import { isJsonObject, textOf, type JsonObject } from '../client/util/json';
import { asData } from '../shared/output/items';

/** How output items show things of one kind. */
export interface View {
	/** What an `error` of the thing is called: n8n takes an item that has one for a failed item. */
	readonly errorName: string;
	/** Fields of the service that the short form is made of. */
	readonly fields?: readonly string[];
	/** The short form: the same names for every item, null for what is not known. */
	short(wire: JsonObject): IDataObject;
}

/** A thing of the service as the JSON of an output item. */
export function shown(view: View, wire: JsonObject, simplify: boolean): IDataObject {
	if (simplify) return view.short(wire);
	const { error, ...others } = wire;
	return asData({ ...others, [view.errorName]: error });
}

/** Values under the names of an output item; what there is none of is null. */
export function named(values: Readonly<Record<string, unknown>>): IDataObject {
	const known = Object.entries(values).map(([name, value]) => [name, value ?? null]);
	return asData(Object.fromEntries(known) as JsonObject);
}

/** Fields as they are, under their own names. */
export function fieldsOf(wire: JsonObject, names: readonly string[]): IDataObject {
	return named(Object.fromEntries(names.map((name) => [name, textOrValue(wire[name])])));
}

/** Go writes what is not set as empty text. */
function textOrValue(value: unknown): unknown {
	return value === '' ? null : value;
}

/** `namespace/name` of an object that has both; the name alone, or undefined. */
export function referenceOf(value: unknown): string | undefined {
	if (!isJsonObject(value)) return textOf(value);
	const name = textOf(value['name']);
	const namespace = textOf(value['namespace']);
	return name !== undefined && namespace !== undefined ? `${namespace}/${name}` : name;
}

/** An amount of microcents in US dollars, also a negative one; null if it is none. */
export function usd(amount: unknown): number | null {
	const isNegative = Number(amount) < 0;
	const dollars = dollarsOf(isNegative ? -Number(amount) : amount);
	if (dollars === undefined) return null;
	return isNegative ? -dollars : dollars;
}
