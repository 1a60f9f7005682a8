import type { INodeProperties, INodePropertyOptions, IWebhookDescription } from 'n8n-workflow';

const forResult: INodePropertyOptions = {
	name: 'For the Result',
	value: 'result',
	description: 'Output each task when it has completed',
};
const forCallback: INodePropertyOptions = {
	name: 'For the Callback',
	value: 'webhook',
	description:
		'Output the same, but do not keep an n8n worker busy while waiting: the service calls this n8n when tasks end',
};

/** What a node waits for, with options of its own, and for how long. */
export function waitProperties(own: readonly INodePropertyOptions[] = []): INodeProperties[] {
	return [
		{
			displayName: 'Wait',
			name: 'wait',
			type: 'options',
			noDataExpression: true,
			options: [forResult, ...own, forCallback],
			default: 'result',
			description: 'What the node waits for',
		},
		{
			displayName: 'Wait at Most (Hours)',
			name: 'waitLimit',
			type: 'number',
			typeOptions: { minValue: 0.001 },
			default: 24,
			displayOptions: { show: { wait: ['webhook'] } },
			description:
				'After this time the workflow continues with the tasks that had finished when the wait began, and with the IDs of all others',
		},
	];
}

/** Where callbacks of the service reach a waiting execution. */
export const callbackWebhooks: IWebhookDescription[] = [
	{
		name: 'default',
		httpMethod: 'POST',
		responseMode: 'onReceived',
		responseData: 'noData',
		path: '={{ $nodeId }}',
		restartWebhook: true,
		isFullPath: true,
	},
];

/** What the editor shows while an execution waits. */
export const WAITING_TOOLTIP =
	'=inference.sh calls when the tasks have ended. The workflow continues after {{ $parameter.waitLimit }} hours at the latest.';
