import { ProtocolError } from '../../../client/errors';
import { MB } from '../../../client/files/download';
import { textOf } from '../../../client/util/json';
import { DEFAULT_MAX_MB } from '../../../shared/parameters/outputForm';
import { parseHttpUrl } from '../../../client/util/url';
import { storeFile } from '../../../shared/files/storeFile';
import type { ItemParameters } from '../../../shared/parameters/itemParameters';
import { locatorProperty } from '../../../shared/editor/descriptions/locator';
import { named } from '../../view';
import type { Operation, OperationRun } from '../../operation';
import { fileProperty, fileRoute, readFileId } from './fileView';

/** What is known of a file before it comes. */
async function locate(item: ItemParameters, { reach }: OperationRun) {
	const given = item.picked('file').text();
	if (parseHttpUrl(given))
		return { id: undefined, uri: given, filename: undefined, contentType: undefined };
	const id = readFileId(item);
	const wire = await reach.get(fileRoute(id));
	const uri = textOf(wire['uri']) ?? textOf(wire['url']) ?? '';
	if (!parseHttpUrl(uri)) {
		throw new ProtocolError(`The service gives no address for file ${id}`, {
			hint: 'It may not have been uploaded to its end. Look at it on inference.sh.',
		});
	}
	return {
		id,
		uri,
		filename: textOf(wire['filename']),
		contentType: textOf(wire['content_type']),
	};
}

export const downloadFile: Operation = {
	kind: 'request',
	name: 'Download',
	value: 'download',
	action: 'Download file',
	description: 'Download a file into the binary data of the item',
	properties: [
		locatorProperty(
			{ ...fileProperty, description: 'The file, by its ID or its URL' },
			'searchFiles',
			{ displayName: 'By ID or URL', name: 'id', placeholder: 'e.g. {{ $json.output.image }}' },
		),
		{
			displayName: 'Put Output File in Field',
			name: 'outputField',
			type: 'string',
			default: 'data',
			required: true,
			description: 'Name of the binary field of the output item that gets the file',
		},
		{
			displayName: 'Max File Size (MB)',
			name: 'maxFileSize',
			type: 'number',
			typeOptions: { minValue: 0 },
			default: DEFAULT_MAX_MB,
			description: 'A larger file is not downloaded. 0 for no limit.',
		},
	],
	async execute(run, item) {
		const { client, context, reach } = run;
		const file = await locate(item, run);
		const property = item.get('outputField', 'data').text();
		const limit = item.get('maxFileSize', DEFAULT_MAX_MB).number({ min: 0, max: 1e6 });
		const options = { signal: reach.signal, maxBytes: limit === 0 ? undefined : limit * MB };
		const { filename, contentType, uri: url } = file;
		const data = await client.files.download(url, options, async (incoming) => {
			const said = { path: [], url, filename, contentType };
			return await storeFile(context.helpers, said, incoming, property);
		});
		const { fileName, mimeType, bytes } = data;
		const facts = { id: file.id, filename: fileName, content_type: mimeType, size: bytes };
		return [{ json: named({ ...facts, uri: url }), binary: { [property]: data } }];
	},
};
