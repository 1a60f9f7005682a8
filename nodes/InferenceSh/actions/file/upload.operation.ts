import { uploadBinaries } from '../../../shared/files/uploads';
import { readItemFile } from '../../../shared/parameters/itemFiles';
import { oneItem, type Operation } from '../../operation';
import { named } from '../../view';

export const uploadFile: Operation = {
	kind: 'request',
	name: 'Upload',
	value: 'upload',
	action: 'Upload file',
	description: 'Upload a file of the incoming item, to use its URL in inputs',
	properties: [
		{
			displayName: 'Input Data Field Name',
			name: 'binaryProperty',
			type: 'string',
			default: 'data',
			required: true,
			description:
				'Name of the binary field of the incoming item that holds the file, or an expression that gives a file',
		},
	],
	async execute({ client, reach }, item) {
		const field = item.get('binaryProperty', 'data');
		const file = {
			binaryProperty: readItemFile(item, field),
			displayName: field.displayName,
		};
		const [uploaded] = await reach.changing(
			async () => await uploadBinaries(item, client, [file], reach.signal),
		);
		return oneItem(named({ ...uploaded }));
	},
};
