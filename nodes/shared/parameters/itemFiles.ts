import type { IExecuteFunctions } from 'n8n-workflow';
import { isJsonObject, textOf, type JsonObject } from '../../client/util/json';
import type { FileSlot, ItemFile } from './fileSlot';
import type { ItemParameters } from './itemParameters';
import type { Parameter } from './parameter';
import { shown } from './parameterError';

/** Where n8n puts files into the JSON of items in its combined binary mode. */
const FILES_IN_JSON = '_files';
/** How deep and how far files are looked for in the JSON of an item. */
const DEEPEST = 10;
const MOST_VALUES = 10_000;

/** Whether a value is n8n's record of a file. Without storage `$binary` leaves the content out. */
export function isFileRecord(value: unknown): value is JsonObject {
	if (!isJsonObject(value) || textOf(value['mimeType']) === undefined) return false;
	return ['id', 'data', 'fileName', 'fileType', 'fileExtension'].some(
		(name) => typeof value[name] === 'string',
	);
}

/**
 * The files that an expression gives: n8n's record of one, a list of them, or all of an item by their
 * names, as `$binary` has them. Empty if it gives something else.
 */
export function filesIn(value: unknown): readonly JsonObject[] {
	if (isFileRecord(value)) return [value];
	if (typeof value !== 'object' || value === null) return [];
	const parts: readonly unknown[] = Object.values(value);
	const files = parts.filter(isFileRecord);
	return files.length === parts.length ? files : [];
}

const combined = new WeakMap<object, boolean>();

/** Whether a workflow has its files in the JSON of items (n8n's `settings.binaryMode`). */
export function hasFilesInJson(context: IExecuteFunctions): boolean {
	const known = combined.get(context);
	if (known !== undefined) return known;
	// n8n before 2 does not have it.
	const settings: unknown = context.getWorkflowSettings?.();
	const isCombined = isJsonObject(settings) && settings['binaryMode'] === 'combined';
	combined.set(context, isCombined);
	return isCombined;
}

/** A file inside of JSON. */
export interface FoundRecord {
	/** Keys and list indices that lead to it. */
	readonly keys: readonly string[];
	readonly record: JsonObject;
}

/** The records of files in JSON, wherever they are. */
export function fileRecords(json: unknown): readonly FoundRecord[] {
	const found: FoundRecord[] = [];
	let left = MOST_VALUES;
	const look = (value: unknown, keys: readonly string[]): void => {
		if (typeof value !== 'object' || value === null || keys.length > DEEPEST || left-- <= 0) return;
		if (isFileRecord(value)) found.push({ keys, record: value });
		else for (const [key, inner] of Object.entries(value)) look(inner, [...keys, key]);
	};
	look(json, []);
	return found;
}

/** The names of an item's files, as a field that takes one wants them. */
export function fileNames(context: IExecuteFunctions, itemIndex: number): readonly string[] {
	const item = context.getInputData()[itemIndex];
	const names = Object.keys(item?.binary ?? {});
	if (!hasFilesInJson(context)) return names;
	return [...names, ...fileRecords(item?.json).map(({ keys }) => nameOf(keys))];
}

/** The names of an item's files in a sentence for people. */
export function fileNamesInWords(context: IExecuteFunctions, itemIndex: number): string {
	const names = fileNames(context, itemIndex).join(', ');
	return names === '' ? 'The item has no binary data.' : `The item has the binary fields ${names}.`;
}

/**
 * The files that a parameter names, or that its expression gives.
 *
 * @param partOf what the parameter is a part of, as the panel calls it
 * @throws NodeOperationError that tells the names there are
 */
export function readItemFiles(
	{ context, itemIndex }: Pick<ItemParameters, 'context' | 'itemIndex'>,
	given: Parameter,
	partOf?: string,
): readonly ItemFile[] {
	const files = filesIn(given.value);
	if (files.length > 0) return files;
	const there = fileNamesInWords(context, itemIndex);
	if (typeof given.value === 'object' && given.value !== null) {
		throw given.error(
			`must be the name of a binary field, or an expression that gives a file, but is ${shown(given.value)}`,
			there,
		);
	}
	const where = partOf === undefined ? '' : `It is part of "${partOf}". `;
	return [given.text(where + there)];
}

/**
 * The one file that a parameter names, or that its expression gives.
 *
 * @throws NodeOperationError as `readItemFiles` does, or if it gives several
 */
export function readItemFile(...request: Parameters<typeof readItemFiles>): ItemFile {
	const [, given] = request;
	const [file = '', ...others] = readItemFiles(...request);
	if (others.length === 0) return file;
	throw given.error(
		`must give one file, but gives ${others.length + 1}`,
		'Name one of them, for example <code>{{ $binary.data }}</code>.',
	);
}

function nameOf(keys: readonly string[]): string {
	const [first, ...others] = keys;
	return first === FILES_IN_JSON && others.length > 0 ? others.join('.') : keys.join('.');
}

/** What is at a path of keys and list indices, joined by dots; a key with dots in it goes first. */
function at(value: unknown, path: string): unknown {
	if (typeof value !== 'object' || value === null) return undefined;
	if (Object.hasOwn(value, path)) return Reflect.get(value, path);
	const dot = path.indexOf('.');
	if (dot === -1) return undefined;
	const key = path.slice(0, dot);
	return Object.hasOwn(value, key) ? at(Reflect.get(value, key), path.slice(dot + 1)) : undefined;
}

/**
 * n8n's record of a file of an item.
 *
 * @param file its name, or a record of it that may lack the content
 * @returns undefined if the item has no such file
 */
export function recordOf(
	context: IExecuteFunctions,
	itemIndex: number,
	file: ItemFile,
): JsonObject | undefined {
	const item = context.getInputData()[itemIndex];
	const binary = item?.binary ?? {};
	if (typeof file !== 'string') {
		if (typeof file['id'] === 'string' || typeof file['data'] === 'string') return file;
		const isSame = (one: JsonObject) =>
			Object.entries(file).every(([key, value]) => one[key] === value);
		// Without the content two files may look alike; then it cannot be told which one is meant.
		const [same, ...others] = Object.values(binary)
			.map((one): JsonObject => ({ ...one }))
			.filter(isSame);
		return others.every((one) => one['data'] === same?.['data']) ? same : undefined;
	}
	if (Object.hasOwn(binary, file)) return { ...binary[file] };
	if (!hasFilesInJson(context)) return undefined;
	const found = [at(item?.json, `${FILES_IN_JSON}.${file}`), at(item?.json, file)];
	return found.find(isFileRecord);
}

/**
 * Takes n8n's records of files out of JSON that is to be sent. Where they were, the files go, except
 * from n8n's own list of an item's files: those go only where somebody has said so.
 *
 * @returns the JSON with null for each of them, and the places of the files
 */
export function withoutRecords(json: JsonObject): {
	readonly input: JsonObject;
	readonly files: readonly FileSlot[];
} {
	const { [FILES_IN_JSON]: list, ...others } = json;
	const isOwn = isJsonObject(list) && Object.values(list).every(isFileRecord);
	const sent = isOwn ? others : json;
	const found = fileRecords(sent);
	if (found.length === 0) return { input: sent, files: [] };
	const records = new Set<unknown>(found.map(({ record }) => record));
	const hole = (_key: string, value: unknown) => (records.has(value) ? null : value);
	const files = found.map(({ keys, record }): FileSlot => {
		const path = keys.join('.');
		return { path, binaryProperty: record, displayName: path, isFound: true };
	});
	return { input: JSON.parse(JSON.stringify(sent, hole)) as JsonObject, files };
}
