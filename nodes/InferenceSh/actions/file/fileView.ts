import { path } from '../../../client/api/api';
import { parseHttpUrl } from '../../../client/util/url';
import type { ItemParameters } from '../../../shared/parameters/itemParameters';
import { locatorProperty } from '../../../shared/editor/descriptions/locator';
import { fieldsOf, type View } from '../../view';

/** A file of the workspace, by its id. */
export const fileProperty = locatorProperty(
	{
		displayName: 'File',
		name: 'file',
		required: true,
		description: 'The file: its <code>id</code> in the output of "Get Many"',
	},
	'searchFiles',
	{ displayName: 'By ID', name: 'id', placeholder: 'e.g. 2khet8d1p6z26krbtvn9d7rkth' },
);

/** The id that an item names. */
export function readFileId(item: ItemParameters): string {
	const file = item.picked('file');
	const id = file.text();
	if (parseHttpUrl(id)) throw file.mismatch('the ID of a file, not its URL');
	return id;
}

/** The route of a file. */
export function fileRoute(id: string): string {
	return path('files', id);
}

const FIELDS = ['id', 'filename', 'content_type', 'size', 'uri', 'created_at'];

export const fileView: View = { errorName: 'file_error', short: (wire) => fieldsOf(wire, FIELDS) };
