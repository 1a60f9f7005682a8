import {
	isResourceMapperValue,
	type ILoadOptionsFunctions,
	type ResourceMapperField,
	type ResourceMapperFields,
} from 'n8n-workflow';
import { functionOf, type AppInfo } from '../client/appInfo';
import type { AppRef } from '../client/appRef';
import { isJsonObject, listOf, textOf, type JsonObject } from '../client/json';
import { outcomeOf } from '../client/outcome';
import { readForm, type FieldKind, type Form, type FormField } from '../client/schema';
import { askService, chosenApp } from './editorQuery';

/** The editor shows nothing of a field but its name, so this has to say what a file field takes. */
const FILE = ' (URL or Binary Property)';
const FILES = ' (URLs or Binary Properties)';
/** Of a form without any field that has to be shown, so many are. */
const SHOWN_AT_LEAST = 6;

/** A field's name as the form shows it; errors call it the same. */
export function displayNameOf({ title, kind }: FormField): string {
	if (kind.type === 'file') return title + FILE;
	return kind.type === 'list' && kind.items.type === 'file' ? title + FILES : title;
}

/** n8n's type for a field, and its default as n8n wants it. */
function editorType(kind: FieldKind, value: unknown): Partial<ResourceMapperField> {
	const text = typeof value === 'string' ? value : JSON.stringify(value);
	const defaultValue = text === undefined ? {} : { defaultValue: text };
	switch (kind.type) {
		case 'number':
			return { type: 'number', ...(typeof value === 'number' ? { defaultValue: value } : {}) };
		case 'boolean':
			return { type: 'boolean', ...(typeof value === 'boolean' ? { defaultValue: value } : {}) };
		case 'choice': {
			const choice = kind.choices.find((one) => one === value);
			const options = kind.choices.map((one) => ({ name: String(one), value: one }));
			return {
				type: 'options',
				options,
				...(choice === undefined ? {} : { defaultValue: choice }),
			};
		}
		case 'list':
			return { type: kind.items.type === 'file' ? 'string' : 'array', ...defaultValue };
		case 'object':
			return { type: 'object', ...defaultValue };
		default:
			return { type: 'string', ...defaultValue };
	}
}

/** A form as n8n shows it: what is neither required nor promoted waits behind "Add field". */
export function mapperFields({ fields }: Form): ResourceMapperField[] {
	const isShown = (field: FormField) => field.required || field.promoted;
	const some = fields.some(isShown);
	return fields.map((field, index) => ({
		id: field.id,
		displayName: displayNameOf(field),
		required: field.required && field.default === undefined,
		defaultMatch: false,
		canBeUsedToMatch: false,
		display: true,
		removed: some ? !isShown(field) : index >= SHOWN_AT_LEAST,
		...editorType(field.kind, field.default),
	}));
}

const SAVED_KINDS: Readonly<Record<string, FieldKind>> = {
	number: {
		type: 'number',
		integer: false,
		...{ min: undefined, max: undefined, above: undefined, below: undefined },
	},
	boolean: { type: 'boolean' },
	array: { type: 'list', items: { type: 'any', kinds: [] }, min: undefined, max: undefined },
	object: { type: 'object', fields: [] },
};
const SAVED_FILE: FieldKind = { type: 'file', as: 'either' };
const SAVED_TEXT: FieldKind = { type: 'text', min: undefined, max: undefined };
const SAVED_FILES: FieldKind = {
	type: 'list',
	items: SAVED_FILE,
	...{ min: undefined, max: undefined },
};

/** What the saved workflow knows of a form, for when the service does not tell: types, no limits. */
export function savedForm(schema: unknown): Form {
	const fields = listOf(schema)
		.filter(isJsonObject)
		.map((saved): FormField => {
			const id = String(saved['id']);
			const name = textOf(saved['displayName']) ?? id;
			const [kind, suffix]: [FieldKind, string] = name.endsWith(FILE)
				? [SAVED_FILE, FILE]
				: name.endsWith(FILES)
					? [SAVED_FILES, FILES]
					: [SAVED_KINDS[String(saved['type'])] ?? { type: 'any', kinds: [SAVED_TEXT] }, ''];
			const title = name.slice(0, name.length - suffix.length);
			return { id, title, kind, required: false, promoted: false, default: undefined };
		});
	return { fields, alternatives: [] };
}

type SchemaOf = (app: AppInfo, ref: AppRef) => JsonObject | string;

/** The schema of the chosen function, or why there is none. */
function inputSchema(app: AppInfo, { app: name, function: entry }: AppRef): JsonObject | string {
	const found = functionOf(app, entry);
	const callable = app.functions.filter(({ streams }) => !streams).map((one) => one.name);
	if (found && !found.streams) return found.input ?? `${name} does not say what its inputs are.`;
	const problem = found
		? `The function "${found.name}" of ${name} talks through a socket and cannot be called here.`
		: `${name} has no function "${entry ?? ''}".`;
	return `${problem} Its functions: ${callable.join(', ')}.`;
}

async function fieldsFor(
	context: ILoadOptionsFunctions,
	what: string,
	parameter: string,
	schemaOf: SchemaOf,
): Promise<ResourceMapperFields> {
	const nothing = (emptyFieldsNotice: string) => ({ fields: [], emptyFieldsNotice });
	const ref = chosenApp(context);
	if (!ref) return nothing(`Choose an app to see its ${what} here.`);
	const read = await outcomeOf(
		askService(context, async ({ catalogue }) => await catalogue.app(ref.app)),
	);
	if (!read.ok) {
		const reason = read.error instanceof Error ? read.error.message : String(read.error);
		const notice = `The ${what} of ${ref.app} cannot be loaded: ${reason}. Write them as JSON instead, or try again later.`;
		// Without its saved fields the editor would throw away what has been filled in.
		const saved = context.getCurrentNodeParameter(parameter);
		const fields = isResourceMapperValue(saved) ? saved.schema : [];
		return { fields, emptyFieldsNotice: notice };
	}
	const schema = schemaOf(read.value, ref);
	if (typeof schema === 'string') return nothing(schema);
	const fields = mapperFields(readForm(schema));
	return fields.length === 0 ? nothing(`${ref.app} has no ${what}.`) : { fields };
}

/** Fills the form of Input Fields; if it cannot be, the form says why. */
export async function getInputFields(this: ILoadOptionsFunctions): Promise<ResourceMapperFields> {
	return await fieldsFor(this, 'inputs', 'fields', inputSchema);
}

/** Fills the form of Setup Fields; if it cannot be, the form says why. */
export async function getSetupFields(this: ILoadOptionsFunctions): Promise<ResourceMapperFields> {
	const setupSchema: SchemaOf = (app, { app: name }) =>
		app.setup ?? `${name} has no setup parameters.`;
	return await fieldsFor(this, 'setup parameters', 'setupFields', setupSchema);
}
