import type { IExecuteFunctions } from 'n8n-workflow';
import { parseAppRef, withVersion } from '../../client/apps/appRef';
import { MB } from '../../client/files/download';
import { isJsonObject, listOf, type JsonObject } from '../../client/util/json';
import type { RunRequest } from '../../client/tasks/runRequest';
import { readFormValues, type FormSource } from './formValues';
import { SETUP } from './appForm';
import {
	isBlank,
	jsonObject,
	nodeOf,
	numberIn,
	oneOf,
	optionalText,
	optionalTime,
	optionalUrl,
	pickedValue,
	readParameter,
	type Field,
} from './parameters';
import { parameterError, shown } from './parameterError';
import { readOptions } from './runSettings';
import type { FileSlot } from './fileSlot';

/** In what form an item wants its task. */
export interface OutputForm {
	/** Output the whole task instead of the short form. */
	readonly fullTask: boolean;
	/** How to download the files of the output; undefined if they stay where they are. */
	readonly download: { readonly maxBytes: number | undefined } | undefined;
}

/** What one item asks for. */
export interface ItemRequest extends OutputForm {
	readonly request: RunRequest;
	/** The app as the output names it: with function, as given. */
	readonly app: string;
	/** Files to upload before the task is started; their places in the input are still empty. */
	readonly files: readonly FileSlot[];
}

/** An input that does not come from the node's Input parameter. */
export interface GivenInput {
	readonly value: unknown;
	/** What errors call it. */
	readonly displayName: string;
}

const LONGEST_SESSION_SECONDS = 3600;

/**
 * Reads what to run for one item. Called when the item's turn comes, not before: expressions are
 * costly and their evaluation blocks n8n. Takes a while only where a form is filled in.
 *
 * @param given the input itself, if it comes from elsewhere
 * @throws NodeOperationError that names the parameter, the item and the bad value
 */
export function readItemRequest(
	source: FormSource,
	itemIndex: number,
	given?: GivenInput,
): ItemRequest | Promise<ItemRequest> {
	const { context } = source;
	const input = given
		? jsonObject({ node: nodeOf(context), itemIndex, ...given })
		: readInput(context, itemIndex);
	const asked = readRequest(context, itemIndex, input ?? {});
	return input ? asked : fillIn(source, itemIndex, asked);
}

/** Adds what a form says. */
async function fillIn(
	source: FormSource,
	itemIndex: number,
	asked: ItemRequest,
): Promise<ItemRequest> {
	const { request, files } = asked;
	const { app, function: entry, setup = {} } = request;
	const form = await readFormValues(source, {
		...{ itemIndex, app, function: entry },
		filled: [
			...files.map(({ path }) => path.split('.')[0] ?? ''),
			...Object.keys(setup).map((key) => SETUP + key),
		],
	});
	const whole = { ...setup, ...form.setup };
	return {
		...asked,
		files: [...form.files, ...files],
		request: {
			...request,
			input: form.input,
			setup: Object.keys(whole).length === 0 ? request.setup : whole,
		},
	};
}

function readRequest(
	context: IExecuteFunctions,
	itemIndex: number,
	input: JsonObject,
): ItemRequest {
	const node = nodeOf(context);
	const options = readOptions(context, itemIndex);
	const option = (name: string, displayName: string): Field => ({
		node,
		displayName,
		itemIndex,
		value: pickedValue(options[name]),
	});
	const ref = readApp(context, itemIndex);
	const app = withVersion(ref.app, optionalText(option('version', 'Version')));
	const entry = optionalText(option('function', 'Function')) ?? ref.function;
	const session = optionalText(option('session', 'Session'));
	return {
		app: entry === undefined ? app : `${app}:${entry}`,
		...readOutputForm(context, itemIndex),
		files: readFileSlots(context, itemIndex),
		request: {
			app,
			function: entry,
			input,
			setup: isBlank(options['setup']) ? undefined : jsonObject(option('setup', 'Setup')),
			infra: isBlank(options['infra'])
				? undefined
				: oneOf(option('infra', 'Infrastructure'), ['cloud', 'private', 'private_first']),
			workers: readWorkers(option('workers', 'Workers')),
			session,
			sessionTimeout:
				session === 'new' && !isBlank(options['sessionTimeout'])
					? numberIn(option('sessionTimeout', 'Session Timeout'), {
							min: 1,
							max: LONGEST_SESSION_SECONDS,
							integer: true,
						})
					: undefined,
			webhook: optionalUrl(option('webhook', 'Webhook URL')),
			runAt: optionalTime({
				...option('runAt', 'Run At'),
				value: zonedTime(context, options['runAt'], itemIndex),
			}),
		},
	};
}

/** A time as n8n's date picker gives it has no time zone: it means the workflow's. */
function zonedTime(context: IExecuteFunctions, time: unknown, itemIndex: number): unknown {
	if (typeof time !== 'string' || !/^[\d-]+([T ][\d:.]+)?$/.test(time)) return time;
	const iso = time.replace(' ', 'T');
	return context.evaluateExpression(`{{ DateTime.fromISO("${iso}").toISO() }}`, itemIndex) ?? time;
}

/**
 * Reads in what form an item wants its task.
 *
 * @throws NodeOperationError that names the parameter, the item and the bad value
 */
export function readOutputForm(context: IExecuteFunctions, itemIndex: number): OutputForm {
	const { fullTask, downloadFiles, maxFileSize } = readOptions(context, itemIndex);
	if (downloadFiles !== true) return { fullTask: fullTask === true, download: undefined };
	const displayName = 'Max File Size (MB)';
	const field: Field = { node: nodeOf(context), displayName, itemIndex, value: maxFileSize };
	const size = isBlank(maxFileSize) ? 0 : numberIn(field, { min: 0, max: 1e6 });
	const maxBytes = size === 0 ? undefined : size * MB;
	return { fullTask: fullTask === true, download: { maxBytes } };
}

function readApp(context: IExecuteFunctions, itemIndex: number) {
	const node = nodeOf(context);
	const value = readParameter(context, 'app', 'App', itemIndex, '', true);
	if (isBlank(value)) {
		throw parameterError(
			node,
			'App',
			'is empty',
			itemIndex,
			'Pick an app from the list, or enter its reference, for example <code>namespace/name</code>.',
		);
	}
	const ref = typeof value === 'string' ? parseAppRef(value) : undefined;
	if (!ref) {
		throw parameterError(
			node,
			'App',
			`must be a reference like namespace/name[@version][:function], but is ${shown(value)}`,
			itemIndex,
		);
	}
	return ref;
}

/** The input, unless it comes from a form. */
function readInput(context: IExecuteFunctions, itemIndex: number): JsonObject | undefined {
	const node = nodeOf(context);
	const chosen = readParameter(context, 'inputMode', 'Input', itemIndex, 'fields');
	const field = { node, itemIndex, displayName: 'Input', value: chosen };
	const mode = oneOf(field, ['fields', 'json', 'item']);
	if (mode === 'fields') return undefined;
	if (mode === 'json') {
		const displayName = 'Input (JSON)';
		const value = readParameter(context, 'jsonInput', displayName, itemIndex, '{}');
		return jsonObject({ node, displayName, value, itemIndex });
	}
	const value: unknown = context.getInputData()[itemIndex]?.json;
	return jsonObject({ node, displayName: 'Incoming item', value, itemIndex });
}

function readFileSlots(context: IExecuteFunctions, itemIndex: number): readonly FileSlot[] {
	const node = nodeOf(context);
	const displayName = 'Files From Binary Data';
	const given = readParameter(context, 'binaryFiles', displayName, itemIndex, {});
	const text = (inner: string, value: unknown): string => {
		const read = optionalText({ node, displayName: inner, itemIndex, value });
		if (read !== undefined) return read;
		throw parameterError(node, inner, 'is empty', itemIndex, `It is part of ${displayName}.`);
	};
	return listOf(isJsonObject(given) ? given['values'] : undefined).map((entry) => {
		const values = isJsonObject(entry) ? entry : {};
		const path = text('Input Field', values['field']);
		const binaryProperty = text('Binary Property', values['binaryProperty']);
		return { path, binaryProperty, displayName: path };
	});
}

/** Ids separated by commas, spaces or new lines, or a list from an expression. */
function readWorkers(field: Field): readonly string[] | undefined {
	const { value } = field;
	if (isBlank(value)) return undefined;
	const entries: unknown[] = Array.isArray(value) ? value : [value];
	const ids = entries.flatMap((entry) =>
		(optionalText({ ...field, value: entry }) ?? '').split(/[\s,]+/),
	);
	const named = ids.filter((id) => id !== '');
	return named.length === 0 ? undefined : named;
}
