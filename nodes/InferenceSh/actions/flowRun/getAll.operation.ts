import { FLOW_RUN_STATUSES, parseFlowRunStatus } from '../../../client/flows/flowRun';
import {
	createdAfter,
	createdBefore,
	idCondition,
	wordFilter,
	type FilterSpec,
} from '../../filters';
import { listOperation } from '../../listOperation';
import { flowProperty } from '../flow/flowView';
import { flowRunView } from './flowRunView';

const STATUSES = FLOW_RUN_STATUSES.slice(1).map((value) => {
	return { name: value.charAt(0).toUpperCase() + value.slice(1), value };
});

/** The service filters by the flow's id. */
const flowFilter: FilterSpec = {
	property: { ...flowProperty, required: false, description: 'Only runs of this flow' },
	async condition(value, { client }) {
		const ref = value.optionalText();
		if (ref === undefined) return undefined;
		return idCondition('flow_id', (await client.flows.get(ref)).id);
	},
};

export const getFlowRuns = listOperation({
	name: 'Get Many',
	value: 'getAll',
	action: 'Get many flow runs',
	description: 'List the runs of flows, with their statuses, outputs and errors',
	rows: 'flow runs',
	at: () => ({ method: 'POST', path: '/flowruns/list' }),
	filters: [
		createdAfter,
		createdBefore,
		flowFilter,
		wordFilter(
			'status',
			STATUSES,
			(word) => FLOW_RUN_STATUSES.findIndex((one) => one === word),
			parseFlowRunStatus,
		),
	],
	sortable: true,
	view: flowRunView,
});
