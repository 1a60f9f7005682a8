import { createdAfter, createdBefore, type FilterSpec } from '../../filters';
import { listOperation } from '../../listOperation';
import { fileView } from './fileView';

const typeFilter: FilterSpec = {
	property: {
		displayName: 'Content Type',
		name: 'contentType',
		type: 'string',
		default: '',
		placeholder: 'e.g. image/',
		description: 'Only files whose content type begins like this',
	},
	condition(value) {
		const begin = value.optionalText();
		if (begin === undefined) return undefined;
		// What has one of the service's wildcards it alone can tell.
		const isPlain = !/[%_]/.test(begin);
		const fits = (shown: unknown) =>
			!isPlain || String(shown).toLowerCase().startsWith(begin.toLowerCase());
		return { field: 'content_type', operator: 'like', value: `${begin}%`, fits };
	},
};

export const getFiles = listOperation({
	name: 'Get Many',
	value: 'getAll',
	action: 'Get many files',
	description: 'List the files of the workspace',
	rows: 'files',
	at: () => ({ method: 'POST', path: '/files/list' }),
	searches: 'the names of the files',
	filters: [typeFilter, createdAfter, createdBefore],
	sortable: true,
	view: fileView,
});
