import type { IExecuteFunctions } from 'n8n-workflow';
import type { CancelSignal } from '../../client/util/cancelSignal';
import type { InferenceClient } from '../../client/client';
import { Deadline } from '../../client/util/deadline';
import { TimeoutError } from '../../client/errors';
import { checkValue } from '../../client/apps/fieldValue';
import { isJsonObject, type JsonObject } from '../../client/util/json';
import { outcomeOf } from '../../client/util/outcome';
import type { Form } from '../../client/apps/inputSchema';
import type { FileSlot } from '../files/uploads';
import type { RunHints } from '../run/hints';
import { displayNameOf, formOf, savedForm, SETUP } from './appForm';
import { isExpression, nodeOf, readParameter } from './parameters';
import { parameterError, shown } from './parameterError';

/** The items wait for the schema, and can go on without it. */
const SCHEMA_TIMEOUT_MS = 10_000;

/** The forms of a node run: what the service says of its apps, asked for once, when needed. */
export class AppForms {
	private readonly forms = new Map<string, Promise<Form | string | undefined>>();

	constructor(
		private readonly client: InferenceClient,
		private readonly signal: CancelSignal,
		private readonly hints: RunHints,
		private readonly timeoutMs = SCHEMA_TIMEOUT_MS,
	) {}

	/**
	 * The form of a function, or what is wrong with the function; undefined if the app cannot be
	 * read, which a hint then says.
	 *
	 * @param ref `namespace/name[@version]`
	 * @throws the reason of the run's end
	 */
	async form(ref: string, name: string | undefined): Promise<Form | string | undefined> {
		const key = JSON.stringify([ref, name]);
		const known = this.forms.get(key) ?? this.ask(ref, name);
		this.forms.set(key, known);
		return await known;
	}

	private async ask(ref: string, name: string | undefined): Promise<Form | string | undefined> {
		using deadline = new Deadline(this.signal, this.timeoutMs, () => {
			return new TimeoutError(`no answer within ${this.timeoutMs / 1000} s`);
		});
		const app = await outcomeOf(this.client.catalogue.app(ref, deadline.signal));
		if (app.ok) return formOf(app.value, name);
		this.signal.throwIfAborted();
		const reason = app.error instanceof Error ? app.error.message : String(app.error);
		this.hints.say(
			`The schema of ${ref} could not be read, so the values of the form were not checked: ${reason}`,
		);
		return undefined;
	}
}

/** What forms are read from. */
export interface FormSource {
	readonly context: IExecuteFunctions;
	readonly forms: AppForms;
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
	readonly itemIndex: number;
	/** `namespace/name[@version]` */
	readonly app: string;
	readonly function: string | undefined;
	/** Fields that are filled in elsewhere. */
	readonly filled: readonly string[];
}

/** Values as they were entered, by field. n8n is asked only for those with an expression. */
function* enteredValues(
	context: IExecuteFunctions,
	itemIndex: number,
	nameOf: (id: string) => string,
): Generator<readonly [id: string, value: unknown, typed: boolean]> {
	const entered: unknown = nodeOf(context).parameters['fields'];
	const mapping: unknown = isJsonObject(entered) ? entered['value'] : undefined;
	if (isJsonObject(mapping)) {
		for (const [id, value] of Object.entries(mapping)) {
			if (isExpression(value)) {
				const path = `fields.value[${JSON.stringify(id)}]`;
				yield [id, readParameter(context, path, nameOf(id), itemIndex, ''), true];
			} else yield [id, value, false];
		}
		return;
	}
	const whole = readParameter(context, 'fields.value', 'Input Fields', itemIndex, {});
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
	{ context, forms }: FormSource,
	request: FormRequest,
): Promise<FormValues> {
	const { itemIndex } = request;
	const node = nodeOf(context);
	const read = await forms.form(request.app, request.function);
	if (typeof read === 'string') {
		const problem = `cannot be called: ${request.app} ${read}`;
		throw parameterError(node, 'Function', problem, itemIndex);
	}
	const saved: unknown = node.parameters['fields'];
	const form = read ?? savedForm(isJsonObject(saved) ? saved['schema'] : undefined);
	const fields = new Map(form.fields.map((field) => [field.id, field]));
	const nameOf = (id: string) => {
		const field = fields.get(id);
		return field ? displayNameOf(field) : id;
	};
	const complain = (id: string, problem: string) =>
		parameterError(node, nameOf(id), problem, itemIndex);

	const binary = context.getInputData()[itemIndex]?.binary ?? {};
	const files: FileSlot[] = [];
	const values = new Map<string, unknown>();
	for (const [id, value, typed] of enteredValues(context, itemIndex, nameOf)) {
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
