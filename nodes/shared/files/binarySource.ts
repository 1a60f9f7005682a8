import { createHash } from 'crypto';
import type { IExecuteFunctions } from 'n8n-workflow';
import type { UploadSource } from '../../client/files/upload';
import { outcomeOf } from '../../client/util/outcome';
import { textOf, type JsonObject } from '../../client/util/json';
import type { FileSlot, ItemFile } from '../parameters/fileSlot';
import { fileNames, hasFilesInJson, recordOf } from '../parameters/itemFiles';
import type { ItemParameters } from '../parameters/itemParameters';
import { messageOf } from '../../client/util/errorMessage';
import { ownerOf } from './fileOwner';

/** A file of an item, and what errors call the field that its file is for. */
export type NamedBinary = Omit<FileSlot, 'path'>;

/** A binary property, ready to be uploaded. */
export interface BinarySource extends UploadSource {
	/** The same for the same file. */
	readonly key: string;
}
type Content = Pick<BinarySource, 'key' | 'size' | 'open'>;

const ANY_TYPE = 'application/octet-stream';

/**
 * Finds a file of an item, in n8n's storage or in the item itself.
 *
 * @throws NodeOperationError if the item has no such file, nothing is in it, or it is somebody else's
 */
export async function openBinary(
	item: ItemParameters,
	{ binaryProperty: file, displayName, isFound = false }: NamedBinary,
): Promise<BinarySource> {
	const { context, itemIndex } = item;
	const which = typeof file === 'string' ? ` ${JSON.stringify(file)}` : ' like the given one';
	const wrong = (problem: string, help?: string) => item.error(displayName, problem, help);
	const record = recordOf(context, itemIndex, file);
	if (!record) {
		const there = fileNames(context, itemIndex);
		throw wrong(
			`needs a file, but the item has no binary field${which}`,
			there.length === 0
				? `The item has no binary data at all. Use a node before this one that outputs the file, or get it from an earlier one with an expression such as <code>{{ $('HTTP Request').item.${hasFilesInJson(context) ? '_files' : 'binary'}.data }}</code>.`
				: `The item has the binary fields ${there.join(', ')}.`,
		);
	}
	const owner = typeof record['id'] === 'string' && ownerOf(context, itemIndex, record['id']);
	if (owner === 'other') {
		throw wrong(
			'names a file of another execution',
			'n8n has not put this record there, so it is not read. Look at where the data of this item come from.',
		);
	}
	if (owner === 'unknown' && isFound) {
		throw wrong(
			'has a record of a file, and n8n does not say whose it is',
			'If the file is meant, take the record out of the input and name it in "Files From Binary Data".',
		);
	}
	const read = await outcomeOf(contentOf(context, record));
	const name = typeof file === 'string' ? `binary field${which}` : 'the given one';
	if (!read.ok) {
		const reason = messageOf(read.error);
		// Not in the message: n8n replaces those that have a system error code in them.
		throw wrong(
			`needs a file, but n8n has lost ${typeof file === 'string' ? `that of ${name}` : name}`,
			`Run the node before this one again. n8n says: ${reason}`,
		);
	}
	if (read.value.size === 0) throw wrong(`needs a file, but ${name} is empty (0 bytes)`);
	const filename = filenameOf(file, record);
	const mimeType = textOf(record['mimeType']) ?? ANY_TYPE;
	const contentType = /^[\x21-\x7e][\x20-\x7e]*$/.test(mimeType) ? mimeType : ANY_TYPE;
	const key = JSON.stringify([read.value.key, filename, contentType]);
	return { ...read.value, filename, contentType, key };
}

function filenameOf(file: ItemFile, record: JsonObject): string {
	const given = textOf(record['fileName']);
	if (given !== undefined) return given;
	const name = typeof file === 'string' ? file : 'file';
	const extension = textOf(record['fileExtension']);
	return extension === undefined ? name : `${name}.${extension}`;
}

async function contentOf(
	{ helpers }: Pick<IExecuteFunctions, 'helpers'>,
	record: JsonObject,
): Promise<Content> {
	const id = textOf(record['id']);
	if (id !== undefined) {
		const { fileSize: size } = await helpers.getBinaryMetadata(id);
		return { key: id, size, open: async () => await helpers.getBinaryStream(id) };
	}
	const bytes = Buffer.from(textOf(record['data']) ?? '', 'base64');
	const key = createHash('sha256').update(bytes).digest('hex');
	return { key, size: bytes.byteLength, open: async () => await Promise.resolve(bytes) };
}
