import type { IExecuteFunctions } from 'n8n-workflow';
import { SharedWork } from '../../../client/util/sharedWork';
import { uploadsOf } from '../../../shared/files/uploadMemory';
import { oneItem, type Operation } from '../../operation';
import { fileProperty, fileRoute, readFileId } from './fileView';

/** What each run of the node deletes: items with the same file share one deletion, as they did its upload. */
const deletions = new WeakMap<IExecuteFunctions, SharedWork<void>>();

function deletionsOf(context: IExecuteFunctions): SharedWork<void> {
	const known = deletions.get(context) ?? new SharedWork<void>();
	deletions.set(context, known);
	return known;
}

export const deleteFile: Operation = {
	kind: 'request',
	name: 'Delete',
	value: 'delete',
	action: 'Delete file',
	description: 'Delete a file for good',
	properties: [fileProperty],
	async execute({ reach, client, context }, item) {
		const id = readFileId(item);
		const key = JSON.stringify([client.accountId, id]);
		await deletionsOf(context).get(key, reach.signal, () => reach.remove(fileRoute(id)));
		// A later node of the execution that sends the same file has to upload it anew.
		uploadsOf(context, client.accountId).dropDone((file) => file.id === id);
		return oneItem({ id, deleted: true });
	},
};
