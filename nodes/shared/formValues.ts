import type { IExecuteFunctions } from 'n8n-workflow';
import { functionOf, type AppInfo } from '../client/appInfo';
import type { CancelSignal } from '../client/cancelSignal';
import type { InferenceClient } from '../client/client';
import { Deadline } from '../client/deadline';
import { TimeoutError } from '../client/errors';
import { checkValue } from '../client/fieldValue';
import { isJsonObject, type JsonObject } from '../client/json';
import { outcomeOf } from '../client/outcome';
import { readForm, type Form } from '../client/schema';
import type { FileSlot } from './fileInputs';
import type { RunHints } from './hints';
import { displayNameOf, savedForm } from './inputForm';
import { isExpression, nodeOf, readParameter } from './parameters';
import { parameterError, shown } from './parameterError';

/** The items wait for the schema, and can go on without it. */
const SCHEMA_TIMEOUT_MS = 10_000;

/** The forms of a node run: what the service says of its apps, asked for once, when needed. */
export class AppForms {
	private readonly apps = new Map<string, Promise<AppInfo | undefined>>();
	private readonly forms = new WeakMap<JsonObject, Form>();

	constructor(
		private readonly client: InferenceClient,
		private readonly signal: CancelSignal,
		private readonly hints: RunHints,
	) {}

	/**
	 * An app with its schemas; undefined if they cannot be read, which a hint then says.
	 *
	 * @param ref `namespace/name[@version]`
	 * @throws the reason of the run's end
	 */
	async app(ref: string): Promise<AppInfo | undefined> {
		const known = this.apps.get(ref) ?? this.ask(ref);
		this.apps.set(ref, known);
		return await known;
	}

	form(schema: JsonObject): Form {
		const form = this.forms.get(schema) ?? readForm(schema);
		this.forms.set(schema, form);
		return form;
	}

	private async ask(ref: string): Promise<AppInfo | undefined> {
		using deadline = new Deadline(this.signal, SCHEMA_TIMEOUT_MS, () => {
			return new TimeoutError(`no answer within ${SCHEMA_TIMEOUT_MS / 1000} s`);
		});
		const app = await outcomeOf(this.client.catalogue.app(ref, deadline.signal));
		if (app.ok) return app.value;
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
	readonly values: JsonObject;
	/** File fields that name a binary property of the item. */
	readonly files: readonly FileSlot[];
}

/** Which form it is, and of what. */
export interface FormRequest {
	readonly itemIndex: number;
	readonly parameter: 'fields' | 'setupFields';
	/** `namespace/name[@version]` */
	readonly app: string;
	readonly function: string | undefined;
	/** Fields that are filled in elsewhere. */
	readonly filled: readonly string[];
}

async function formOf(source: FormSource, request: FormRequest): Promise<Form | undefined> {
	const app = await source.forms.app(request.app);
	if (!app) return undefined;
	const schema = request.parameter === 'fields' ? inputOf(app) : app.setup;
	return schema && source.forms.form(schema);

	function inputOf(info: AppInfo): JsonObject | undefined {
		const entry = functionOf(info, request.function);
		if (!entry?.streams) return entry?.input;
		throw parameterError(
			nodeOf(source.context),
			'Function',
			`is ${shown(entry.name)}, which talks through a socket: n8n cannot call it`,
			request.itemIndex,
		);
	}
}

/** Values as they were entered, by field. Only those with an expression are asked for. */
function* enteredValues(
	context: IExecuteFunctions,
	{ parameter, itemIndex }: FormRequest,
	nameOf: (id: string) => string,
): Generator<readonly [id: string, value: unknown, typed: boolean]> {
	const title = parameter === 'fields' ? 'Input Fields' : 'Setup Fields';
	const entered: unknown = nodeOf(context).parameters[parameter];
	const mapping = isJsonObject(entered) ? entered['value'] : entered;
	if (!isJsonObject(mapping)) {
		const path = isJsonObject(entered) ? `${parameter}.value` : parameter;
		const value = readParameter(context, path, title, itemIndex, {});
		const inner = isJsonObject(value) && 'mappingMode' in value ? value['value'] : value;
		for (const [id, one] of Object.entries(isJsonObject(inner) ? inner : {})) yield [id, one, true];
		return;
	}
	for (const [id, value] of Object.entries(mapping)) {
		if (isExpression(value)) {
			const path = `${parameter}.value[${JSON.stringify(id)}]`;
			yield [id, readParameter(context, path, nameOf(id), itemIndex, ''), true];
		} else yield [id, value, false];
	}
}

/**
 * Reads a form for one item: each value is checked and leaves exactly typed, empty ones are left
 * out. If the app's schema cannot be read, only the types that the workflow remembers are given.
 *
 * @throws NodeOperationError that names the field as the form shows it, the item and the bad value
 */
export async function readFormValues(
	source: FormSource,
	request: FormRequest,
): Promise<FormValues> {
	const { context } = source;
	const { parameter, itemIndex } = request;
	const node = nodeOf(context);
	const saved: unknown = node.parameters[parameter];
	const form =
		(await formOf(source, request)) ?? savedForm(isJsonObject(saved) ? saved['schema'] : undefined);
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
	for (const [id, value, typed] of enteredValues(context, request, nameOf)) {
		if (value === undefined || value === null || value === '') continue;
		const field = fields.get(id);
		if (!field) {
			values.set(id, value);
			continue;
		}
		const takeFile = (binaryProperty: string, path: string) => {
			if (!Object.hasOwn(binary, binaryProperty)) return false;
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
	return { values: Object.fromEntries(known), files };
}
