import { listIn } from '../../../client/api/paging';
import type { Operation } from '../../operation';
import { named } from '../../view';

export const getLimits: Operation = {
	kind: 'request',
	name: 'Get Limits',
	value: 'getLimits',
	action: 'Get limits of account',
	description: 'Read the limits of the plan and how much of each is used, one item for each limit',
	properties: [],
	async execute({ reach }) {
		const rows = await reach.read('/entitlements/usage', listIn);
		return rows.map(({ resource, label, usage, current, limit, unlimited, enabled }) => ({
			json: named({
				resource,
				label,
				used: usage ?? current,
				limit: unlimited === true ? null : limit,
				unlimited: unlimited === true,
				enabled: enabled !== false,
			}),
		}));
	},
};
