import type { IDataObject } from 'n8n-workflow';
import { isJsonObject, listOf, type JsonObject } from '../../../client/util/json';
import { asData } from '../../../shared/output/items';
import { oneItem, type Operation } from '../../operation';
import { usd } from '../../view';

/**
 * What holds microcents in the parts of a breakdown; the service does not document them. Others count:
 * `total_tasks`, `cost_count`.
 */
const AMOUNTS =
	/^total$|(?:^|_)(?:costs?|amount|charged|price|discount|refunded|spent)(?:_total)?$/;

/** The parts of a breakdown, with their amounts in dollars: `total_cost` becomes `total_cost_usd`. */
function partsOf(parts: unknown): IDataObject[] {
	return rowsOf(parts).map((part) =>
		asData(
			Object.fromEntries(
				Object.entries(part).map(([name, value]) =>
					AMOUNTS.test(name) && isAmount(value) ? [`${name}_usd`, usd(value)] : [name, value],
				),
			),
		),
	);
}

/** An amount, or that there is none. */
function isAmount(value: unknown): boolean {
	return value === null || usd(value) !== null;
}

/** The parts as a list, or by their names: then each one is told its own. */
function rowsOf(parts: unknown): readonly JsonObject[] {
	if (!isJsonObject(parts)) return listOf(parts).filter(isJsonObject);
	return Object.entries(parts).map(([key, part]) => ({
		key,
		...(isJsonObject(part) ? part : { value: part }),
	}));
}

const RANGES = [
	{ name: 'Last Hour', value: '1h' },
	{ name: 'Last Day', value: '1d' },
	{ name: 'Last 7 Days', value: '7d' },
	{ name: 'Last 30 Days', value: '30d' },
	{ name: 'Last 90 Days', value: '90d' },
];

export const getSpending: Operation = {
	kind: 'request',
	name: 'Get Spending',
	value: 'getSpending',
	action: 'Get spending of account',
	description: 'Read what the workspace has spent, over time and by model, in US dollars',
	properties: [
		{
			displayName: 'Range',
			name: 'range',
			type: 'options',
			options: RANGES.map((range) => ({ ...range })),
			default: '1d',
			description: 'How far back to look',
		},
	],
	async execute({ reach }, item) {
		const range = item.get('range', '1d').oneOf(RANGES.map(({ value }) => value));
		const wire = await reach.get(`/usage/breakdown?range=${range}`);
		const { total_cost: total, per_model: models, timeseries } = wire;
		return oneItem({
			range,
			total_usd: usd(total),
			per_model: partsOf(models),
			timeseries: partsOf(timeseries),
		});
	},
};
