import { checkValue } from '../../client/apps/fieldValue';
import { isJsonObject, type JsonObject } from '../../client/util/json';
import type { Form } from '../../client/apps/inputSchema';
import { displayNameOf, savedForm, SETUP } from './appForm';
import type { FileSlot } from './fileSlot';
import type { ItemParameters } from './itemParameters';
import { nodeOf } from './nodeOf';
import { shown } from './parameterError';
import { isExpression } from './readParameter';

/** Where the forms of apps are known from. */
export interface KnownForms {
	/**
	 * The form of a function, or what is wrong with the function; undefined if the app cannot be
	 * read.
	 *
	 * @param ref `namespace/name[@version]`
	 * @throws the reason of the run's end
	 */
	form(ref: string, name: string | undefined): Promise<Form | string | undefined>;
}

/** A filled-in form. */
export interface FormValues {
	readonly input: JsonObject;
	readonly setup: JsonObject;
	/** File fields that name a binary property of the item. */
	readonly files: readonly FileSlot[];
}

/** Whose form it is. */
export interface FormRequest {
	/** `namespace/name[@version]` */
	readonly app: string;
	readonly function: string | undefined;
	/** Fields that are filled in elsewhere. */
	readonly filled: readonly string[];
}

/** Values as they were entered, by field. n8n is asked only for those with an expression. */
function* enteredValues(
	item: ItemParameters,
	nameOf: (id: string) => string,
): Generator<readonly [id: string, value: unknown, typed: boolean]> {
	const entered: unknown = nodeOf(item.context).parameters['fields'];
	const mapping: unknown = isJsonObject(entered) ? entered['value'] : undefined;
	if (isJsonObject(mapping)) {
		for (const [id, value] of Object.entries(mapping)) {
			if (isExpression(value)) {
				const path = `fields.value[${JSON.stringify(id)}]`;
				yield [id, item.get(path, nameOf(id)).value, true];
			} else yield [id, value, false];
		}
		return;
	}
	const whole = item.get('fields.value', 'Input Fields', {}).value;
	for (const [id, value] of Object.entries(isJsonObject(whole) ? whole : {})) {
		yield [id, value, true];
	}
}

/**
 * Reads a form for one item: each value is checked and leaves exactly typed, empty ones are left
 * out. If the app's schema cannot be read, only the types that the workflow remembers are given.
 *
 * @throws NodeOperationError that names the field as the form shows it, the item and the bad value
 */
export async function readFormValues(
	item: ItemParameters,
	forms: KnownForms,
	request: FormRequest,
): Promise<FormValues> {
	const read = await forms.form(request.app, request.function);
	if (typeof read === 'string') {
		throw item.error('Function', `cannot be called: ${request.app} ${read}`);
	}
	const saved: unknown = nodeOf(item.context).parameters['fields'];
	const form = read ?? savedForm(isJsonObject(saved) ? saved['schema'] : undefined);
	const fields = new Map(form.fields.map((field) => [field.id, field]));
	const nameOf = (id: string) => {
		const field = fields.get(id);
		return field ? displayNameOf(field) : id;
	};
	const complain = (id: string, problem: string) => item.error(nameOf(id), problem);

	const binary = item.context.getInputData()[item.itemIndex]?.binary ?? {};
	const files: FileSlot[] = [];
	const values = new Map<string, unknown>();
	for (const [id, value, typed] of enteredValues(item, nameOf)) {
		if (value === undefined || value === null || value === '') continue;
		const field = fields.get(id);
		if (!field) {
			values.set(id, value);
			continue;
		}
		const takeFile = (binaryProperty: string, path: string) => {
			// Files are uploaded into inputs only.
			if (id.startsWith(SETUP) || !Object.hasOwn(binary, binaryProperty)) return false;
			files.push({ path, binaryProperty, displayName: displayNameOf(field) });
			return true;
		};
		const checked = checkValue(value, field.kind, { path: id, typed, takeFile });
		if (!checked.ok) throw complain(id, `${checked.problem}, but is ${shown(value)}`);
		values.set(id, checked.value);
	}
	const filled = new Set([...values.keys(), ...request.filled]);
	for (const { id, required, default: fallback } of form.fields) {
		if (required && fallback === undefined && !filled.has(id)) {
			throw complain(id, 'is empty, but the app requires it');
		}
	}
	const { alternatives } = form;
	if (alternatives.length > 0 && !alternatives.some((set) => set.every((id) => filled.has(id)))) {
		const sets = alternatives.map((set) => set.map(nameOf).join(' and ')).join(', or ');
		throw complain(alternatives[0]?.[0] ?? '', `is empty, but the app requires ${sets}`);
	}
	// Single files have no place of their own before their upload.
	const known = [...values].filter(([, value]) => value !== null);
	const [setup, input] = [true, false].map((wanted) =>
		known.filter(([id]) => id.startsWith(SETUP) === wanted),
	);
	return {
		input: Object.fromEntries(input ?? []),
		setup: Object.fromEntries((setup ?? []).map(([id, value]) => [id.slice(SETUP.length), value])),
		files,
	};
}
