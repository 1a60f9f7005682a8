import type { JsonObject } from '../../client/util/json';

/**
 * A file of an item: its name there, or n8n's record of it, which is what expressions such as
 * `{{ $binary.data }}` give.
 */
export type ItemFile = string | JsonObject;

/** One place of an item's input that takes a file from the item's binary data. */
export interface FileSlot {
	/** Where the file's URI goes: keys and list indices, joined by dots (`image`, `images.0`). */
	readonly path: string;
	readonly binaryProperty: ItemFile;
	/** Whether it was found in JSON, where nobody has named it. */
	readonly isFound?: boolean;
	/** What errors call the place: the field's name as the form shows it. */
	readonly displayName: string;
}
