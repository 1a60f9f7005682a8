import { oneItem, type Operation } from '../../operation';
import { usd } from '../../view';

export const getBalance: Operation = {
	kind: 'request',
	name: 'Get Balance',
	value: 'getBalance',
	action: 'Get balance of account',
	description: 'Read the prepaid balance of the workspace, in US dollars',
	properties: [],
	async execute({ reach }) {
		const { balance } = await reach.get('/billing/balance');
		return oneItem({ balance_usd: usd(balance) });
	},
};
