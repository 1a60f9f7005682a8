import { fateInWords } from '../../../client/api/cancelRemote';
import { flowRunFromWire } from '../../../client/flows/flowRun';
import { adviceOn, ServerError } from '../../../client/errors';
import { oneItem, type Operation } from '../../operation';
import { named } from '../../view';
import { flowRunIdProperty, flowRunRoute } from './flowRunView';

export const cancelFlowRun: Operation = {
	kind: 'request',
	name: 'Cancel',
	value: 'cancel',
	action: 'Cancel flow run',
	description: 'Cancel the run of a flow that waits or runs. One that has ended stays as it is.',
	properties: [flowRunIdProperty],
	async execute({ client, reach }, item) {
		const id = item.get('flowRunId').text();
		const about = { kind: 'flow run', id } as const;
		const look = async () => flowRunFromWire(await reach.get(flowRunRoute(id), about));
		const run = await look();
		if (run?.terminal === true) return oneItem({ id, status: run.status, cancelled: false });
		const outcome = await client.flows.cancel(id);
		if (outcome.kind === 'failed') {
			throw new ServerError(`Flow run ${id} ${fateInWords(outcome)}`, {
				about,
				hint: adviceOn(outcome.error),
				mayRun: true,
				mayHaveBeenAccepted: true,
			});
		}
		const status = outcome.kind === 'cancelled' ? 'cancelled' : (await look())?.status;
		return oneItem(named({ id, status, cancelled: outcome.kind !== 'over' }));
	},
};
