import { uploadsOf } from '../../../shared/files/uploadMemory';
import { oneItem, type Operation } from '../../operation';
import { fileProperty, fileRoute, readFileId } from './fileView';

export const deleteFile: Operation = {
	kind: 'request',
	name: 'Delete',
	value: 'delete',
	action: 'Delete file',
	description: 'Delete a file for good',
	properties: [fileProperty],
	async execute({ reach, client, context }, item) {
		const id = readFileId(item);
		await reach.remove(fileRoute(id));
		// A later node of the execution that sends the same file has to upload it anew.
		uploadsOf(context, client.accountId).dropDone((file) => file.id === id);
		return oneItem({ id, deleted: true });
	},
};
