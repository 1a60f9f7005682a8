import { listIn } from '../../../client/api/paging';
import { isJsonObject, textOf } from '../../../client/util/json';
import type { Operation } from '../../operation';
import { simplifyProperty } from '../../properties';
import { named, referenceOf, shown, type View } from '../../view';

const MOST_RESULTS = 100;

const resultView: View = {
	errorName: 'result_error',
	short(wire) {
		const fields = isJsonObject(wire['fields']) ? wire['fields'] : {};
		return named({
			id: wire['id'],
			knowledge: referenceOf(fields),
			description: textOf(fields['description']),
			score: wire['score'],
		});
	},
};

export const searchKnowledge: Operation = {
	kind: 'request',
	name: 'Search',
	value: 'search',
	action: 'Search knowledge',
	description: 'Look through the knowledge of the workspace, by words and by meaning',
	properties: [
		{
			displayName: 'Query',
			name: 'query',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. how refunds work',
			description: 'What to look for',
		},
		{
			displayName: 'Limit',
			name: 'limit',
			type: 'number',
			typeOptions: { minValue: 1, maxValue: MOST_RESULTS },
			default: 50,
			description: 'Max number of results to return',
		},
		simplifyProperty,
	],
	async execute({ reach }, item) {
		const query = item.get('query').text();
		const limit = item.get('limit', 50).number({ min: 1, max: MOST_RESULTS, integer: true });
		const simplify = item.get('simplify', true).isOn();
		const body = { query, collections: ['knowledge'], limit };
		const rows = await reach.query('/search', body, listIn);
		return rows.slice(0, limit).map((row) => ({ json: shown(resultView, row, simplify) }));
	},
};
