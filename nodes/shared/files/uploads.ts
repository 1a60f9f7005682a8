import { createHash } from 'crypto';
import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import type { CancelSignal } from '../../client/util/cancelSignal';
import type { InferenceClient } from '../../client/client';
import { isJsonObject, type JsonObject } from '../../client/util/json';
import { outcomeOf } from '../../client/util/outcome';
import type { RunRequest } from '../../client/tasks/runRequest';
import type { UploadedFile, UploadSource } from '../../client/files/upload';
import type { FileSlot } from '../parameters/fileSlot';
import { ItemParameters } from '../parameters/itemParameters';
import { uploadsOf } from './uploadMemory';
import { inParallel } from '../run/window';

/** Uploads of one item at a time. */
const PARALLEL_UPLOADS = 4;
const ANY_TYPE = 'application/octet-stream';

/** A binary property, ready to be uploaded. */
interface BinarySource extends UploadSource {
	/** The same for the same file. */
	readonly key: string;
}
type Content = Pick<BinarySource, 'key' | 'size' | 'open'>;

/**
 * Uploads a binary property of an item, streamed from where n8n keeps it. Within an execution the
 * same file is uploaded once, however many items and nodes send it.
 *
 * @param displayName what errors call the field that the file is for
 * @throws NodeOperationError if there is no such property, or nothing in it; what
 * `uploadFile` throws
 */
export async function uploadBinary(
	context: IExecuteFunctions,
	client: InferenceClient,
	itemIndex: number,
	property: string,
	signal: CancelSignal,
	displayName = property,
): Promise<UploadedFile> {
	const slot = { path: '', binaryProperty: property, displayName };
	return await upload(context, client, await openBinary(context, itemIndex, slot), signal);
}

/**
 * What has to be done for an item's files before its task is started, once its time runs: all of
 * them are checked, then uploaded, and their URIs put into the input.
 *
 * @returns undefined if there are none
 */
export function fileUploads(
	context: IExecuteFunctions,
	client: InferenceClient,
	itemIndex: number,
	slots: readonly FileSlot[],
): ((request: RunRequest, signal: CancelSignal) => Promise<RunRequest>) | undefined {
	if (slots.length === 0) return undefined;
	return async (request, signal) => {
		const place = (uris: readonly string[]): JsonObject => {
			try {
				return placeFiles(request.input, slots, uris);
			} catch (error) {
				throw error instanceof PlaceError
					? new ItemParameters(context, itemIndex).error(error.slot.displayName, error.message)
					: error;
			}
		};
		place(slots.map(() => ''));
		const sources: BinarySource[] = [];
		for (const slot of slots) sources.push(await openBinary(context, itemIndex, slot));
		const files = await inParallel(sources, PARALLEL_UPLOADS, async (source) => {
			return await upload(context, client, source, signal);
		});
		return { ...request, input: place(files.map(({ uri }) => uri)) };
	};
}

/** A file has no place in an input. */
class PlaceError extends Error {
	constructor(
		readonly slot: FileSlot,
		message: string,
	) {
		super(message);
	}
}

/**
 * An input with URIs put into it; what leads to them is made as needed.
 *
 * @throws Error that says why a path leads nowhere
 */
export function placeFiles(
	input: JsonObject,
	slots: readonly FileSlot[],
	uris: readonly string[],
): JsonObject {
	return slots.reduce<JsonObject>((whole, slot, index) => {
		const changed = withValue(whole, slot.path.split('.'), uris[index], slot);
		return isJsonObject(changed) ? changed : whole;
	}, input);
}

function withValue(
	container: unknown,
	[key, ...rest]: readonly string[],
	value: unknown,
	slot: FileSlot,
): unknown {
	if (key === undefined) return value;
	const isIndex = /^\d+$/.test(key);
	if (Array.isArray(container) || (isIndex && isMissing(container))) {
		const list: unknown[] = Array.isArray(container) ? [...container] : [];
		if (!isIndex || Number(key) > list.length) {
			const held = `the list there has the length ${list.length}`;
			throw new PlaceError(slot, `leads nowhere in the input at ${JSON.stringify(key)}: ${held}`);
		}
		list[Number(key)] = withValue(list[Number(key)], rest, value, slot);
		return list;
	}
	if (key === '' || !(isJsonObject(container) || isMissing(container))) {
		const where = JSON.stringify(key);
		throw new PlaceError(slot, `leads nowhere in the input at ${where}: no object is there`);
	}
	const object = isMissing(container) ? {} : container;
	const inner = Object.hasOwn(object, key) ? object[key] : undefined;
	return { ...object, [key]: withValue(inner, rest, value, slot) };
}

function isMissing(value: unknown): value is undefined | null {
	return value === undefined || value === null;
}

async function upload(
	context: IExecuteFunctions,
	client: InferenceClient,
	source: BinarySource,
	signal: CancelSignal,
): Promise<UploadedFile> {
	const job = async (shared: CancelSignal) => await client.files.upload(source, shared);
	return await uploadsOf(context).get(source.key, signal, job);
}

async function openBinary(
	context: IExecuteFunctions,
	itemIndex: number,
	slot: FileSlot,
): Promise<BinarySource> {
	const { helpers } = context;
	const { binaryProperty: property, displayName } = slot;
	const name = JSON.stringify(property);
	const item = new ItemParameters(context, itemIndex);
	const wrong = (problem: string, help?: string) => item.error(displayName, problem, help);
	const binary = binaryOf(context, itemIndex, property);
	if (!binary) {
		const there = Object.keys(context.getInputData()[itemIndex]?.binary ?? {});
		throw wrong(
			`needs a file, but the item has no binary property ${name}`,
			there.length === 0
				? 'The item has no binary data at all. Use a node before this one that outputs the file.'
				: `The item has the binary properties ${there.join(', ')}.`,
		);
	}
	const { id, fileName, fileExtension: extension } = binary;
	const read = await outcomeOf(id === undefined ? inMemory() : inStorage(id));
	if (!read.ok) {
		const reason = read.error instanceof Error ? read.error.message : String(read.error);
		// Not in the message: n8n replaces those that have a system error code in them.
		throw wrong(
			`needs a file, but n8n has lost that of binary property ${name}`,
			`Run the node before this one again. n8n says: ${reason}`,
		);
	}
	if (read.value.size === 0) {
		throw wrong(`needs a file, but binary property ${name} is empty (0 bytes)`);
	}
	const filename = fileName ?? (extension ? `${property}.${extension}` : property);
	const contentType = /^[\x21-\x7e][\x20-\x7e]*$/.test(binary.mimeType)
		? binary.mimeType
		: ANY_TYPE;
	const key = JSON.stringify([read.value.key, filename, contentType]);
	return { ...read.value, filename, contentType, key };

	async function inStorage(stored: string): Promise<Content> {
		const { fileSize: size } = await helpers.getBinaryMetadata(stored);
		return { key: stored, size, open: async () => await helpers.getBinaryStream(stored) };
	}

	async function inMemory(): Promise<Content> {
		const bytes = await helpers.getBinaryDataBuffer(itemIndex, property);
		const key = createHash('sha256').update(bytes).digest('hex');
		return { key, size: bytes.byteLength, open: async () => await Promise.resolve(bytes) };
	}
}

function binaryOf(
	context: IExecuteFunctions,
	itemIndex: number,
	property: string,
): IBinaryData | undefined {
	try {
		return context.helpers.assertBinaryData(itemIndex, property);
	} catch {
		return undefined;
	}
}
