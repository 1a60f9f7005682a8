import type { IExecuteFunctions } from 'n8n-workflow';
import { parseAppRef, withVersion, type AppRef } from '../../client/apps/appRef';
import type { RunRequest } from '../../client/tasks/runRequest';
import type { JsonObject } from '../../client/util/json';
import { SETUP } from './appForm';
import type { FileSlot } from './fileSlot';
import { readFormValues, type KnownForms } from './formValues';
import { hasFilesInJson, readItemFile, withoutRecords } from './itemFiles';
import { ItemParameters, type ParameterGroup } from './itemParameters';
import { nodeOf, versionOf } from './nodeOf';
import { readOutputForm, type OutputForm } from './outputForm';
import type { Parameter } from './parameter';
import { isExpression } from './readParameter';

/** What one item asks for. */
export interface ItemRequest extends OutputForm {
	readonly request: RunRequest;
	/** The app as the output names it: with function, as given. */
	readonly app: string;
	/** Files to upload before the task is started; their places in the input are still empty. */
	readonly files: readonly FileSlot[];
}

/** What items are read from. */
export interface ItemSource {
	readonly context: IExecuteFunctions;
	readonly forms: KnownForms;
}

/** An input that does not come from the node's Input parameter. */
export interface GivenInput {
	readonly value: unknown;
	/** What errors call it. */
	readonly displayName: string;
}

/** Where an item's input is: here, or in a form that is still to be read. */
type ItemInput =
	| {
			readonly kind: 'given';
			readonly input: JsonObject;
			/** Files that are in it as n8n's records. */
			readonly files: readonly FileSlot[];
	  }
	| { readonly kind: 'form' };

const LONGEST_SESSION_SECONDS = 3600;

/**
 * Reads what to run for one item. Called when the item's turn comes, not before: expressions are
 * costly and their evaluation blocks n8n. Takes a while only where a form is filled in.
 *
 * @param given the input itself, if it comes from elsewhere
 * @throws NodeOperationError that names the parameter, the item and the bad value
 */
export function readItemRequest(
	{ context, forms }: ItemSource,
	itemIndex: number,
	given?: GivenInput,
): ItemRequest | Promise<ItemRequest> {
	const item = new ItemParameters(context, itemIndex);
	const source = readInput(item, given);
	if (source.kind === 'given') {
		return readRequest(item, source.input, [...source.files, ...readFileSlots(item)]);
	}
	// Version 1 has the list of files for forms, too.
	const files = versionOf(context) < 2 ? readFileSlots(item) : [];
	return fillIn(item, forms, readRequest(item, {}, files));
}

/** Adds what a form says. */
async function fillIn(
	item: ItemParameters,
	forms: KnownForms,
	asked: ItemRequest,
): Promise<ItemRequest> {
	const { request, files } = asked;
	const { app, function: entry, setup = {} } = request;
	const form = await readFormValues(item, forms, {
		app,
		function: entry,
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
	item: ItemParameters,
	input: JsonObject,
	files: readonly FileSlot[],
): ItemRequest {
	const { context } = item;
	const known = alike.get(context);
	const asked = known ?? readWithoutInput(item);
	if (!known && !variesByItem(context)) alike.set(context, asked);
	return { ...asked, files, request: { ...asked.request, input } };
}

type WithoutInput = Omit<ItemRequest, 'files' | 'request'> & {
	readonly request: Omit<RunRequest, 'input'>;
};

/** What all items of a run ask for besides their inputs, where no expression makes them differ. */
const alike = new WeakMap<object, WithoutInput>();

/** Parameters that only say what the input is. */
const OF_THE_INPUT: ReadonlySet<string> = new Set(['jsonInput', 'fields', 'binaryFiles', 'list']);

function variesByItem(context: IExecuteFunctions): boolean {
	const { parameters } = nodeOf(context);
	return Object.keys(parameters).some(
		(name) => !OF_THE_INPUT.has(name) && isExpression(parameters[name]),
	);
}

function readWithoutInput(item: ItemParameters): WithoutInput {
	const { options } = item;
	const ref = readAppRef(item.picked('app'), 'app');
	const app = withVersion(ref.app, options.picked('version').optionalText());
	const entry = options.picked('function').optionalText() ?? ref.function;
	const session = options.picked('session').optionalText();
	const infra = options.get('infra');
	return {
		app: entry === undefined ? app : `${app}:${entry}`,
		...readOutputForm(item),
		request: {
			app,
			function: entry,
			setup: options.get('setup').optionalJsonObject(),
			infra: infra.isBlank ? undefined : infra.oneOf(['cloud', 'private', 'private_first']),
			workers: readWorkers(options.get('workers')),
			session,
			sessionTimeout: session === 'new' ? readSessionTimeout(options) : undefined,
			webhook: options.get('webhook').optionalUrl(),
			// A time as n8n's date picker gives it has no time zone.
			runAt: options.get('runAt').optionalTime(item.context.getTimezone()),
		},
	};
}

function readSessionTimeout(options: ParameterGroup): number | undefined {
	const seconds = options.get('sessionTimeout');
	if (seconds.isBlank) return undefined;
	return seconds.number({ min: 1, max: LONGEST_SESSION_SECONDS, integer: true });
}

/**
 * The app that a picker names.
 *
 * @param noun what it is called there
 * @throws NodeOperationError if it is empty or no reference
 */
export function readAppRef(app: Parameter, noun: 'app' | 'model'): AppRef {
	if (app.isBlank) {
		const article = noun === 'app' ? 'an' : 'a';
		throw app.error(
			'is empty',
			`Pick ${article} ${noun} from the list, or enter its reference, for example <code>namespace/name</code>.`,
		);
	}
	const ref = typeof app.value === 'string' ? parseAppRef(app.value) : undefined;
	if (!ref) throw app.mismatch('a reference like namespace/name[@version][:function]');
	return ref;
}

/**
 * Reads where an item's input is.
 *
 * @param given the input itself, if it comes from elsewhere
 * @throws NodeOperationError
 */
export function readInput(item: ItemParameters, given?: GivenInput): ItemInput {
	const filesApart = (input: JsonObject): ItemInput =>
		hasFilesInJson(item.context)
			? { kind: 'given', ...withoutRecords(input) }
			: { kind: 'given', input, files: [] };
	if (given) return filesApart(item.given(given.displayName, given.value).jsonObject());
	const mode = item.get('inputMode', 'fields').oneOf(['fields', 'json', 'item']);
	switch (mode) {
		case 'fields':
			return { kind: 'form' };
		case 'json':
			return filesApart(item.get('jsonInput', '{}').jsonObject());
		case 'item': {
			const json = item.context.getInputData()[item.itemIndex]?.json;
			return filesApart(item.given('Incoming item', json).jsonObject());
		}
	}
}

/** The files of an item that have their places named beside the input. */
export function readFileSlots(item: ItemParameters): readonly FileSlot[] {
	return item.entries('binaryFiles').map((entry) => {
		const { displayName } = entry;
		const path = entry.get('field').text(`It is part of "${displayName}".`);
		const binaryProperty = readItemFile(item, entry.get('binaryProperty'), displayName);
		return { path, binaryProperty, displayName: path };
	});
}

/** Ids separated by commas, spaces or new lines, or a list from an expression. */
function readWorkers(workers: Parameter): readonly string[] | undefined {
	if (workers.isBlank) return undefined;
	const parts = Array.isArray(workers.value) ? workers.list() : [workers];
	const ids = parts
		.flatMap((part) => (part.optionalText() ?? '').split(/[\s,]+/))
		.filter((id) => id !== '');
	return ids.length === 0 ? undefined : ids;
}
