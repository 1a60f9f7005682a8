import { createHash } from 'crypto';
import type { ISupplyDataFunctions } from 'n8n-workflow';
import type { InferenceClient } from '../client/client';
import type { CancelSignal } from '../client/util/cancelSignal';
import { uploadsOf } from '../shared/files/uploadMemory';
import { inParallel } from '../shared/run/window';
import type { Conversation, MessageFile } from './conversation';

/** Uploads for one call at a time. */
const PARALLEL_UPLOADS = 4;

/**
 * Uploads the files of a conversation, each content once in an execution: an agent sends all of it
 * again with each of its steps.
 *
 * @returns the address of a file
 * @throws what `uploadFile` throws
 */
export async function uploadFiles(
	context: ISupplyDataFunctions,
	client: InferenceClient,
	{ history, last }: Conversation,
	signal: CancelSignal,
): Promise<(file: MessageFile) => string> {
	const uploads = uploadsOf(context, client.accountId);
	const files = [...history, last].flatMap((turn) => turn.files);
	const urls = await inParallel(files, PARALLEL_UPLOADS, async (file) => {
		if (file.kind === 'url') return file.url;
		const { bytes, contentType } = file;
		const hash = createHash('sha256').update(bytes).digest('hex');
		const filename = `${hash.slice(0, 12)}.${extensionOf(contentType)}`;
		const source = { filename, contentType, size: bytes.byteLength, open: async () => bytes };
		const { uri } = await uploads.get(`${contentType} ${hash}`, signal, async (shared) => {
			return await client.files.upload(source, shared);
		});
		return uri;
	});
	const byFile = new Map(files.map((file, index) => [file, urls[index] ?? '']));
	return (file) => byFile.get(file) ?? '';
}

/** `image/svg+xml` → `svg` */
function extensionOf(contentType: string): string {
	const [, extension] = /\/(?:x-)?([a-z0-9]+)/.exec(contentType) ?? [];
	return extension === undefined || extension === 'octet' ? 'bin' : extension;
}
