import type { IExecuteFunctions } from 'n8n-workflow';
import type { CancelSignal } from '../../client/util/cancelSignal';
import type { InferenceClient } from '../../client/client';
import type { JsonObject } from '../../client/util/json';
import type { UploadedFile } from '../../client/files/upload';
import type { FileSlot } from '../parameters/fileSlot';
import { ItemParameters } from '../parameters/itemParameters';
import { openBinary, type BinarySource, type NamedBinary } from './binarySource';
import { PlaceError, placeFiles } from './placeFiles';
import { uploadsOf } from './uploadMemory';
import { inParallel } from '../run/window';

/** Uploads of one item at a time. */
const PARALLEL_UPLOADS = 4;

/**
 * Uploads files of an item, streamed from where n8n keeps them; all of them are found first. Within
 * an execution the same file is uploaded once for an account, however many items and nodes send it.
 *
 * @throws NodeOperationError if there is no such file, or nothing in it; what `uploadFile` throws
 */
export async function uploadBinaries(
	item: ItemParameters,
	client: InferenceClient,
	files: readonly NamedBinary[],
	signal: CancelSignal,
): Promise<readonly UploadedFile[]> {
	const sources: BinarySource[] = [];
	for (const file of files) sources.push(await openBinary(item, file));
	return await inParallel(sources, PARALLEL_UPLOADS, async (source) => {
		return await upload(item.context, client, source, signal);
	});
}

interface WithInput {
	readonly input: JsonObject;
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
): (<T extends WithInput>(request: T, signal: CancelSignal) => Promise<T>) | undefined {
	if (slots.length === 0) return undefined;
	return async (request, signal) => {
		const item = new ItemParameters(context, itemIndex);
		const place = (uris: readonly string[]): JsonObject => {
			try {
				return placeFiles(request.input, slots, uris);
			} catch (error) {
				throw error instanceof PlaceError
					? item.error(error.slot.displayName, error.message)
					: error;
			}
		};
		// Whatever cannot be placed is not uploaded first.
		place(slots.map(() => ''));
		const files = await uploadBinaries(item, client, slots, signal);
		return { ...request, input: place(files.map(({ uri }) => uri)) };
	};
}

async function upload(
	context: IExecuteFunctions,
	client: InferenceClient,
	source: BinarySource,
	signal: CancelSignal,
): Promise<UploadedFile> {
	const job = async (shared: CancelSignal) => await client.files.upload(source, shared);
	return await uploadsOf(context, client.accountId).get(source.key, signal, job);
}
