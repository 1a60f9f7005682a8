import { functionOf, type AppInfo } from '../../client/apps/appInfo';
import { isJsonObject, listOf, textOf } from '../../client/util/json';
import { readForm, type FieldKind, type Form, type FormField } from '../../client/apps/inputSchema';
import { shown } from './parameterError';

/** The editor shows nothing of a field but its name, so this has to say what a file field takes. */
const FILE = ' (URL or Binary)';
const FILES = ' (URLs or Binaries)';
/** Begins the ids of setup parameters. */
export const SETUP = 'setup:';

/** A field's name as the form shows it; errors call it the same. */
export function displayNameOf({ title, kind }: FormField): string {
	if (kind.type === 'file') return title + FILE;
	return kind.type === 'list' && kind.items.type === 'file' ? title + FILES : title;
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
				required: false,
				promoted: false,
				default: undefined,
			};
		});
	return { fields, alternatives: [] };
}

/** What an app says of one of its functions. */
export type FunctionForm =
	/** Its form, setup parameters included. */
	| { readonly kind: 'form'; readonly form: Form }
	/** It cannot be called; `problem` continues "namespace/name …". */
	| { readonly kind: 'unusable'; readonly problem: string };

/**
 * The form of a function of an app.
 *
 * @param name undefined for the default function
 */
export function formOf(app: AppInfo, name: string | undefined): FunctionForm {
	const found = functionOf(app, name);
	const callable = app.functions.filter(({ streams }) => !streams).map((one) => one.name);
	const others = `Its functions: ${callable.join(', ')}.`;
	if (!found) return { kind: 'unusable', problem: `has no function ${shown(name)}. ${others}` };
	if (found.streams) {
		const problem = `has a function ${shown(found.name)}, but it talks through a socket and cannot be called from here. ${others}`;
		return { kind: 'unusable', problem };
	}
	const input = readForm(found.input ?? {});
	const setup = app.setup ? readForm(app.setup).fields : [];
	const prefixed = setup.map((field) => ({
		...field,
		id: SETUP + field.id,
		title: `Setup: ${field.title}`,
		promoted: false,
	}));
	const fields = [...input.fields, ...prefixed];
	return { kind: 'form', form: { fields, alternatives: input.alternatives } };
}
