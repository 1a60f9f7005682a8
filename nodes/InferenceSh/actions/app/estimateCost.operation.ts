import { path } from '../../../client/api/api';
import { asJsonObject, textOf } from '../../../client/util/json';
import { oneItem, type Operation } from '../../operation';
import { named, usd } from '../../view';
import { anyAppProperty, appRoute, readApp } from './appView';

export const estimateCost: Operation = {
	kind: 'request',
	name: 'Estimate Cost',
	value: 'estimateCost',
	action: 'Estimate cost of app',
	description: 'Ask what running an app with an input is going to cost, in US dollars',
	properties: [
		anyAppProperty,
		{
			displayName: 'Input (JSON)',
			name: 'jsonInput',
			type: 'json',
			typeOptions: { rows: 6 },
			default: '{}',
			description: 'A JSON object with the inputs of the app, by their names',
		},
	],
	async execute({ reach }, item) {
		const ref = readApp(item);
		const input = item.get('jsonInput', '{}').jsonObject();
		const id = textOf((await reach.get(appRoute(ref)))['id']) ?? ref.app;
		const body = { input, function: ref.function };
		const wire = await reach.query(path('store', 'apps', id, 'estimate'), body, asJsonObject);
		const exact = usd(wire['microcents']);
		return oneItem(
			named({
				app: ref.app,
				confidence: wire['confidence'],
				usd: textOf(wire['confidence'])?.toLowerCase() === 'exact' ? exact : null,
				min_usd: usd(wire['min']) ?? exact,
				max_usd: usd(wire['max']) ?? exact,
				depends_on: wire['depends_on'],
				pricing_description: textOf(wire['pricing_description']),
			}),
		);
	},
};
