import { createHash } from 'crypto';
import type { IBinaryData } from 'n8n-workflow';
import type { UploadSource } from '../../client/files/upload';
import { outcomeOf } from '../../client/util/outcome';
import type { FileSlot } from '../parameters/fileSlot';
import type { ItemParameters } from '../parameters/itemParameters';
import { messageOf } from '../../client/util/errorMessage';

/** A binary property of an item, and what errors call the field that its file is for. */
export type NamedBinary = Pick<FileSlot, 'binaryProperty' | 'displayName'>;

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
 * @throws NodeOperationError if the item has no such property, or nothing is in it
 */
export async function openBinary(
	item: ItemParameters,
	{ binaryProperty: property, displayName }: NamedBinary,
): Promise<BinarySource> {
	const name = JSON.stringify(property);
	const wrong = (problem: string, help?: string) => item.error(displayName, problem, help);
	const binary = binaryOf(item, property);
	if (!binary) {
		const there = Object.keys(item.context.getInputData()[item.itemIndex]?.binary ?? {});
		throw wrong(
			`needs a file, but the item has no binary property ${name}`,
			there.length === 0
				? 'The item has no binary data at all. Use a node before this one that outputs the file.'
				: `The item has the binary properties ${there.join(', ')}.`,
		);
	}
	const { id, fileName, fileExtension: extension, mimeType } = binary;
	const read = await outcomeOf(id === undefined ? inItem(item, property) : inStorage(item, id));
	if (!read.ok) {
		const reason = messageOf(read.error);
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
	const contentType = /^[\x21-\x7e][\x20-\x7e]*$/.test(mimeType) ? mimeType : ANY_TYPE;
	const key = JSON.stringify([read.value.key, filename, contentType]);
	return { ...read.value, filename, contentType, key };
}

function binaryOf(
	{ context, itemIndex }: ItemParameters,
	property: string,
): IBinaryData | undefined {
	try {
		return context.helpers.assertBinaryData(itemIndex, property);
	} catch {
		return undefined;
	}
}

async function inStorage({ context }: ItemParameters, id: string): Promise<Content> {
	const { helpers } = context;
	const { fileSize: size } = await helpers.getBinaryMetadata(id);
	return { key: id, size, open: async () => await helpers.getBinaryStream(id) };
}

async function inItem({ context, itemIndex }: ItemParameters, property: string): Promise<Content> {
	const bytes = await context.helpers.getBinaryDataBuffer(itemIndex, property);
	const key = createHash('sha256').update(bytes).digest('hex');
	return { key, size: bytes.byteLength, open: async () => await Promise.resolve(bytes) };
}
