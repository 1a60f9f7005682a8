import { oneItem, type Operation } from '../../operation';
import { fileProperty, fileRoute, readFileId } from './fileView';

export const deleteFile: Operation = {
	kind: 'request',
	name: 'Delete',
	value: 'delete',
	action: 'Delete file',
	description: 'Delete a file for good',
	properties: [fileProperty],
	async execute({ reach }, item) {
		const id = readFileId(item);
		await reach.remove(fileRoute(id));
		return oneItem({ id, deleted: true });
	},
};
