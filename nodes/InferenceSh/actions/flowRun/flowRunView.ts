import { path } from '../../../client/api/api';
import { flowRunFromWire, nodeStatuses } from '../../../client/flows/flowRun';
import { idProperty } from '../../properties';
import { fieldsOf, named, type View } from '../../view';

export const flowRunIdProperty = idProperty(
	'Flow Run ID',
	'flowRunId',
	'The run: <code>id</code> in the output of the operation that runs flows',
);

/** The route of a run. */
export function flowRunRoute(id: string): string {
	return path('flowruns', id);
}

export const flowRunView: View = {
	errorName: 'flow_run_error',
	short(wire) {
		const run = flowRunFromWire(wire);
		return {
			...named({ id: run?.id, status: run?.status, flow_id: wire['flow_id'] }),
			...named({ output: run?.output, flow_run_error: run?.error }),
			...fieldsOf(wire, ['task_id']),
			...named({ node_statuses: run && nodeStatuses(run) }),
			...fieldsOf(wire, ['flow_run_started', 'flow_run_finished']),
		};
	},
};
