import { functionOf, type AppInfo } from '../../client/apps/appInfo';
import { isJsonObject, listOf, textOf } from '../../client/util/json';
import { readForm, type FieldKind, type Form, type FormField } from '../../client/apps/inputSchema';
import { shown } from './parameterError';

/** The editor shows nothing of a field but its name, so this has to say what a file field takes. */
const FILE = ' (Input Data Field Name or URL)';
const FILES = ' (Input Data Field Names or URLs)';
/** The same as 0.1.0 said it; saved workflows have it. */
const SAVED_FILE_LABELS: Readonly<Record<string, 'file' | 'files'>> = {
	[FILE]: 'file',
	[FILES]: 'files',
	' (URL or Binary)': 'file',
	' (URLs or Binaries)': 'files',
};
/** Begins the ids of setup parameters. */
export const SETUP = 'setup:';

/** The limits of a number as a label has them: `1–16384`, `at least 1`. */
function range(kind: FieldKind & { readonly type: 'number' }): string | undefined {
	const { min, max, above, below } = kind;
	// A dash beside a minus cannot be read.
	if (min !== undefined && max !== undefined) return `${min}${min < 0 ? ' to ' : '–'}${max}`;
	const limits = [
		min === undefined ? '' : `at least ${min}`,
		above === undefined ? '' : `above ${above}`,
		max === undefined ? '' : `up to ${max}`,
		below === undefined ? '' : `below ${below}`,
	].filter((limit) => limit !== '');
	return limits.length === 0 ? undefined : limits.join(', ');
}

/** A field's name as the form shows it, with unit and range; errors call it the same. */
export function displayNameOf({ title, unit, kind }: FormField): string {
	if (kind.type === 'file') return title + FILE;
	if (kind.type === 'list' && kind.items.type === 'file') return title + FILES;
	if (kind.type !== 'number') return title;
	const said = inPlainWords(title);
	const facts = [unit, range(kind)].filter(
		(fact) => fact !== undefined && !said.includes(inPlainWords(fact)),
	);
	if (facts.length === 0) return title;
	// What an author has put into brackets is of the same kind.
	const [, name = title, told] = /^(.+) \(([^()]*)\)$/.exec(title) ?? [];
	return `${name} (${[...(told === undefined ? [] : [told]), ...facts].join(', ')})`;
}

/** Words between blanks, so that one is not found inside of another: `ms` is not in `items`. */
function inPlainWords(text: string): string {
	const words = text
		.toLowerCase()
		.replace(/(\d)\s*[-–—]\s*(?=\d)/g, '$1–')
		.split(/[\s()[\],;:]+/);
	return ` ${words.filter((word) => word !== '').join(' ')} `;
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
			const suffix = Object.keys(SAVED_FILE_LABELS).find((one) => name.endsWith(one));
			const file = SAVED_FILE_LABELS[suffix ?? ''] === 'file' ? SAVED_FILE : SAVED_FILES;
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
