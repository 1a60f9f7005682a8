import {
	isResourceMapperValue,
	type ILoadOptionsFunctions,
	type ResourceMapperField,
	type ResourceMapperFields,
} from 'n8n-workflow';
import { functionOf, type AppInfo } from '../../client/apps/appInfo';
import { isJsonObject, listOf, textOf } from '../../client/util/json';
import { outcomeOf } from '../../client/util/outcome';
import {
	readForm,
	type Choice,
	type FieldKind,
	type Form,
	type FormField,
} from '../../client/apps/inputSchema';
import { askService, chosenApp } from '../editor/editorQuery';
import { shown } from './parameterError';

/** The editor shows nothing of a field but its name, so this has to say what a file field takes. */
const FILE = ' (URL or Binary)';
const FILES = ' (URLs or Binaries)';
/** Begins the ids of setup parameters. */
export const SETUP = 'setup:';
/** Of a form without any field that has to be shown, so many are. */
const SHOWN_AT_LEAST = 6;

/** A field's name as the form shows it; errors call it the same. */
export function displayNameOf({ title, kind }: FormField): string {
	if (kind.type === 'file') return title + FILE;
	return kind.type === 'list' && kind.items.type === 'file' ? title + FILES : title;
}

/** n8n takes what begins with an equals sign for an expression. The space is dropped again. */
const editorChoice = (choice: Choice) =>
	typeof choice === 'string' && choice.startsWith('=') ? ` ${choice}` : choice;

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
			const options = kind.choices.map((one) => ({ name: String(one), value: editorChoice(one) }));
			const choice = kind.choices.find((one) => one === value);
			return {
				type: 'options',
				options,
				...(choice === undefined ? {} : { defaultValue: editorChoice(choice) }),
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
	number: { type: 'number', integer: false },
	boolean: { type: 'boolean' },
	array: { type: 'list', items: { type: 'any', kinds: [] } },
	object: { type: 'object', fields: [] },
};
const SAVED_FILE: FieldKind = { type: 'file', as: 'either' };
const SAVED_FILES: FieldKind = { type: 'list', items: SAVED_FILE };
const SAVED_OTHER: FieldKind = { type: 'any', kinds: [{ type: 'text' }] };

/** What the saved workflow knows of a form, for when the service does not tell: types, no limits. */
export function savedForm(schema: unknown): Form {
	const fields = listOf(schema)
		.filter(isJsonObject)
		.map((saved): FormField => {
			const id = String(saved['id']);
			const name = textOf(saved['displayName']) ?? id;
			const suffix = [FILE, FILES].find((one) => name.endsWith(one));
			const file = suffix === FILE ? SAVED_FILE : SAVED_FILES;
			return {
				id,
				title: suffix === undefined ? name : name.slice(0, -suffix.length),
				kind: suffix === undefined ? (SAVED_KINDS[String(saved['type'])] ?? SAVED_OTHER) : file,
				...{ required: false, promoted: false, default: undefined },
			};
		});
	return { fields, alternatives: [] };
}

/**
 * The form of a function of an app, setup parameters included, or what is wrong with the function,
 * continuing "namespace/name …".
 *
 * @param name undefined for the default function
 */
export function formOf(app: AppInfo, name: string | undefined): Form | string {
	const found = functionOf(app, name);
	const callable = app.functions.filter(({ streams }) => !streams).map((one) => one.name);
	const others = `Its functions: ${callable.join(', ')}.`;
	if (!found) return `has no function ${shown(name)}. ${others}`;
	if (found.streams) {
		return `has a function ${shown(found.name)}, but it talks through a socket and cannot be called from here. ${others}`;
	}
	const input = readForm(found.input ?? {});
	const setup = app.setup ? readForm(app.setup).fields : [];
	const prefixed = setup.map((field) => ({
		...field,
		id: SETUP + field.id,
		title: `Setup: ${field.title}`,
		promoted: false,
	}));
	return { fields: [...input.fields, ...prefixed], alternatives: input.alternatives };
}

/** Fills the form of Input Fields; if it cannot be, the form says why. */
export async function getInputFields(this: ILoadOptionsFunctions): Promise<ResourceMapperFields> {
	const nothing = (emptyFieldsNotice: string) => ({ fields: [], emptyFieldsNotice });
	const ref = chosenApp(this);
	if (!ref) return nothing('Choose an app to see its inputs here.');
	const app = await outcomeOf(
		askService(this, async ({ catalogue }) => await catalogue.app(ref.app)),
	);
	if (!app.ok) {
		const reason = app.error instanceof Error ? app.error.message : String(app.error);
		// Without its saved fields the editor would throw away what has been filled in.
		const saved = this.getCurrentNodeParameter('fields');
		return {
			fields: isResourceMapperValue(saved) ? saved.schema : [],
			emptyFieldsNotice: `The inputs of ${ref.app} cannot be loaded: ${reason}. Write them as JSON instead, or try again later.`,
		};
	}
	const form = formOf(app.value, ref.function);
	if (typeof form === 'string') return nothing(`${ref.app} ${form}`);
	return form.fields.length === 0
		? nothing(`${ref.app} has no inputs.`)
		: { fields: mapperFields(form) };
}
