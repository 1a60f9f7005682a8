import { checkValue, type CheckedValue, type ValuePlace } from '../../client/apps/fieldValue';
import type { FieldKind, Form, FormField } from '../../client/apps/inputSchema';
import { isJsonObject, type JsonObject } from '../../client/util/json';
import { displayNameOf, savedForm, SETUP, type FunctionForm } from './appForm';
import type { FileSlot } from './fileSlot';
import { fileNames, fileNamesInWords, filesIn, recordOf } from './itemFiles';
import type { ItemParameters } from './itemParameters';
import { nodeOf } from './nodeOf';
import { isTooDeep, TOO_DEEP } from './jsonDepth';
import { shown } from './parameterError';
import { plainValue } from './plainValue';
import { isExpression } from './readParameter';

/** What is known of the form of a function. */
export type KnownForm =
	| FunctionForm
	/** The service does not tell what the app is like. */
	| { readonly kind: 'unreadable' };

/** Where the forms of apps are known from. */
export interface KnownForms {
	/**
	 * @param ref `namespace/name[@version]`
	 * @param name the function, undefined for the default one
	 * @throws the reason of the run's end
	 */
	form(ref: string, name: string | undefined): Promise<KnownForm>;
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
	/** What errors call it, if it is no app. */
	readonly called?: 'flow';
	readonly function: string | undefined;
	/** Fields that are filled in elsewhere. */
	readonly filled: readonly string[];
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
	const form = new FieldsById(await formFor(item, forms, request));
	const values = checkedValues(item, form);
	const filled = new Set([...values.keys(), ...request.filled]);
	requireFilled(item, form, filled, request.called ?? 'app');
	return takeApart(values, form);
}

/**
 * The form that the item fills in.
 *
 * @throws NodeOperationError if the app has no such function
 */
async function formFor(
	item: ItemParameters,
	forms: KnownForms,
	{ app, function: name }: FormRequest,
): Promise<Form> {
	const known = await forms.form(app, name);
	switch (known.kind) {
		case 'form':
			return known.form;
		case 'unusable':
			throw item.options.get('function').error(`cannot be called: ${app} ${known.problem}`);
		case 'unreadable': {
			const saved: unknown = nodeOf(item.context).parameters['fields'];
			return savedForm(isJsonObject(saved) ? saved['schema'] : undefined);
		}
	}
}

/** A form whose fields are found by their ids. */
class FieldsById {
	private readonly fields: ReadonlyMap<string, FormField>;

	constructor(readonly form: Form) {
		this.fields = new Map(form.fields.map((field) => [field.id, field]));
	}

	get(id: string): FormField | undefined {
		return this.fields.get(id);
	}

	/** A field's name as the form shows it; the id of a field that the form does not have. */
	nameOf(id: string): string {
		const field = this.fields.get(id);
		return field ? displayNameOf(field) : id;
	}
}

/** A value as it was entered. */
interface EnteredValue {
	readonly id: string;
	readonly value: unknown;
	/** It has its type already, as that of an expression has. */
	readonly typed: boolean;
}

/** Values as they were entered. n8n is asked only for those with an expression. */
function* enteredValues(item: ItemParameters, form: FieldsById): Generator<EnteredValue> {
	const entered: unknown = nodeOf(item.context).parameters['fields'];
	const mapping: unknown = isJsonObject(entered) ? entered['value'] : undefined;
	// A form that was left while it was loading has none, and n8n cannot read that.
	if (mapping === undefined || mapping === null) return;
	if (isJsonObject(mapping)) {
		for (const [id, value] of Object.entries(mapping)) {
			if (isExpression(value)) {
				const { value: result } = item.field(id, form.nameOf(id));
				yield { id, value: result, typed: true };
			} else yield { id, value, typed: false };
		}
		return;
	}
	const { value: whole } = item.get('fields.value', {});
	for (const [id, value] of Object.entries(isJsonObject(whole) ? whole : {})) {
		yield { id, value, typed: true };
	}
}

const NO_FILES = { filesOf: () => [], fileNames: () => [] };

function filesOf({
	context,
	itemIndex,
}: ItemParameters): Pick<ValuePlace, 'filesOf' | 'fileNames'> {
	return {
		filesOf: (value) => {
			if (typeof value !== 'string') return filesIn(value);
			return recordOf(context, itemIndex, value) === undefined ? [] : [value];
		},
		fileNames: () => fileNames(context, itemIndex),
	};
}

/** A value that can be used. */
type UsableValue = Exclude<CheckedValue, { readonly kind: 'wrong' }>;

/**
 * What has been filled in, by field.
 *
 * @throws NodeOperationError for a value that its field does not take
 */
function checkedValues(item: ItemParameters, form: FieldsById): ReadonlyMap<string, UsableValue> {
	const values = new Map<string, UsableValue>();
	for (const { id, value: given, typed } of enteredValues(item, form)) {
		if (given === undefined || given === null || given === '') continue;
		const field = form.get(id);
		const sent = plainValue(given);
		if (sent.kind === 'unusable') throw item.error(form.nameOf(id), sent.problem);
		const { value } = sent;
		const checked: CheckedValue = field
			? checkValue(value, field.kind, {
					path: id,
					typed,
					// Files are uploaded into inputs only.
					...(id.startsWith(SETUP) ? NO_FILES : filesOf(item)),
				})
			: { kind: 'value', value, files: [] };
		if (checked.kind === 'wrong') {
			throw item.error(form.nameOf(id), `${checked.problem}, but is ${shown(value)}`);
		}
		if (typeof value === 'string' && checked.kind === 'value' && isTooDeep(checked.value)) {
			throw item.error(form.nameOf(id), TOO_DEEP);
		}
		values.set(id, checked);
	}
	return values;
}

/**
 * Checks that nothing is missing.
 *
 * @param filled ids of the fields that have a value
 * @throws NodeOperationError for an empty field that is required
 */
function requireFilled(
	item: ItemParameters,
	form: FieldsById,
	filled: ReadonlySet<string>,
	called: 'app' | 'flow',
): void {
	const { fields, alternatives } = form.form;
	const isMissing = ({ id, required, default: fallback }: FormField) =>
		required && fallback === undefined && !filled.has(id);
	const missing = fields.find(isMissing);
	if (missing) {
		const { context, itemIndex } = item;
		const help = takesFiles(missing.kind) ? fileNamesInWords(context, itemIndex) : undefined;
		throw item.error(displayNameOf(missing), `is empty, but the ${called} requires it`, help);
	}

	const [firstId] = alternatives[0] ?? [];
	if (firstId === undefined) return;
	if (alternatives.some((set) => set.every((id) => filled.has(id)))) return;
	const sets = alternatives.map((set) => set.map((id) => form.nameOf(id)).join(' and '));
	const problem = `is empty, but the ${called} requires ${sets.join(', or ')}`;
	throw item.error(form.nameOf(firstId), problem);
}

function takesFiles(kind: FieldKind): boolean {
	return kind.type === 'file' || (kind.type === 'list' && kind.items.type === 'file');
}

/** Tells apart what goes into the input, what into the setup, and which files are to be uploaded. */
function takeApart(values: ReadonlyMap<string, UsableValue>, form: FieldsById): FormValues {
	const input: Array<readonly [id: string, value: unknown]> = [];
	const setup: Array<readonly [id: string, value: unknown]> = [];
	const files: FileSlot[] = [];
	for (const [id, checked] of values) {
		const placed = checked.kind === 'file' ? [checked.file] : checked.files;
		for (const { file: binaryProperty, path } of placed) {
			files.push({ path, binaryProperty, displayName: form.nameOf(id) });
		}
		// A file has no place of its own before its upload.
		if (checked.kind === 'file') continue;
		if (id.startsWith(SETUP)) setup.push([id.slice(SETUP.length), checked.value]);
		else input.push([id, checked.value]);
	}
	return { input: Object.fromEntries(input), setup: Object.fromEntries(setup), files };
}
