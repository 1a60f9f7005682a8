import { FLOW_RUN_STATUSES, nodeStatuses } from '../../../client/flows/flowRun';
import type { FlowResult } from '../../../client/flows/runFlow';
import { MB } from '../../../client/files/download';
import { orAborted } from '../../../client/util/cancelSignal';
import { answerText } from '../../../shared/output/answerText';
import { flowInputProperties } from '../../../shared/editor/descriptions/input';
import { downloadProperties } from '../../../shared/editor/descriptions/outputOptions';
import { addFound } from '../../../shared/files/downloads';
import type { ItemParameters } from '../../../shared/parameters/itemParameters';
import { DEFAULT_MAX_MB } from '../../../shared/parameters/outputForm';
import type { Operation } from '../../operation';
import { fieldsOf, named } from '../../view';
import { flowProperty } from './flowView';
import { flowRequest } from './flowInput';

/** The output item of a run that has completed, in the order of those of tasks. */
function resultJson({ run, attempts, durationMs, via }: FlowResult, flow: string) {
	const { output, id, status, wire } = run;
	const text = answerText(output);
	return {
		...named({ output }),
		...(text !== undefined && { text }),
		...named({ id, status, flow }),
		...fieldsOf(wire, ['task_id']),
		...named({ node_statuses: nodeStatuses(run) }),
		...fieldsOf(wire, ['flow_run_started', 'flow_run_finished']),
		run: { attempts, duration_ms: durationMs, via },
	};
}

function readMaxBytes(item: ItemParameters): number | undefined {
	const limit = item.get('maxFileSize', DEFAULT_MAX_MB).number({ min: 0, max: 1e6 });
	return limit === 0 ? undefined : limit * MB;
}

export const runFlow: Operation = {
	kind: 'run',
	name: 'Run',
	value: 'run',
	action: 'Run flow',
	description: 'Run a flow with an input and wait for its result',
	properties: [
		flowProperty,
		...flowInputProperties,
		{
			displayName: 'Wait',
			name: 'wait',
			type: 'options',
			noDataExpression: true,
			options: [
				{
					name: 'For the Result',
					value: 'result',
					description: 'Output each run when it has completed',
				},
				{
					name: 'Do Not Wait',
					value: 'none',
					description: 'Output the ID of each run as soon as it has been started',
				},
			],
			default: 'result',
			description: 'What the node waits for',
		},
		...downloadProperties,
	],
	async execute(run, item) {
		const { client, memory, scope, hints } = run;
		const index = item.itemIndex;
		const ref = item.picked('flow').text();
		const wait = item.get('wait', 'result').oneOf(['result', 'none']);
		const download = item.get('downloadFiles', false).isOn();
		const maxBytes = download ? readMaxBytes(item) : undefined;
		const result = await client.flows.run({
			wait,
			signal: scope.signal,
			progress: memory.recallFlow(index),
			onProgress: (progress) => memory.remember(index, progress),
			prepare: async (signal) => {
				const flow = await orAborted(client.flows.get(ref), signal);
				return await flowRequest(run, item, { ref, flow }, signal);
			},
		});
		hints.add({ ...result, adopted: false });
		if (result.adopted) {
			hints.say(
				`The answer to the start of a flow was lost; its run ${result.run.id} was found in the list of runs and not started again.`,
			);
		}
		if (wait === 'none') {
			const { id, status } = result.run;
			return [{ json: { id, status: status === FLOW_RUN_STATUSES[0] ? 'pending' : status } }];
		}
		const made = { json: resultJson(result, ref), pairedItem: { item: index } };
		if (!download) return [made];
		const { output } = await client.flows.get(ref);
		const found = client.files.findBy(result.run.output, output);
		return [await addFound(run, made, found, { maxBytes }, ref)];
	},
};
