import type { INodeProperties } from 'n8n-workflow';
import { limitProperties } from '../shared/editor/descriptions/limits';
import { workspaceOptionsProperty } from '../shared/editor/descriptions/options';
import { shownIf } from '../shared/editor/descriptions/shownIf';
import { toolDescription } from '../shared/editor/descriptions/tool';
import { RESOURCES } from './actions/index';
import type { Operation, Resource } from './operation';

/** What stands below the node on the canvas, such as "get: task". */
export const subtitle =
	'={{ ({ getAll: "get many" }[$parameter.operation] ?? $parameter.operation.replace(/[A-Z]/g, (letter) => " " + letter.toLowerCase())) + ": " + $parameter.resource.replace("Run", " run") }}';

const resourceProperty: INodeProperties = {
	displayName: 'Resource',
	name: 'resource',
	type: 'options',
	noDataExpression: true,
	options: RESOURCES.map(({ name, value }) => ({ name, value })),
	default: 'task',
};

function operationProperty({ value: resource, operations }: Resource): INodeProperties {
	const harmless = operations.find(({ value }) => /^(?:get|search)/.test(value))?.value;
	return {
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: [resource] } },
		options: operations.map(({ name, value, action, description }) => ({
			...{ name, value, action, description },
		})),
		default: harmless,
	};
}

/** Each operation with the rule that shows what belongs to it. */
const OPERATIONS: ReadonlyArray<{
	readonly operation: Operation;
	readonly show: { readonly resource: string[]; readonly operation: string[] };
}> = RESOURCES.flatMap(({ value: resource, operations }) =>
	operations.map((operation) => ({
		operation,
		show: { resource: [resource], operation: [operation.value] },
	})),
);

/** What the service does to the run of a flow, in the words of the options about tasks. */
function forFlows(option: INodeProperties): INodeProperties {
	const { options = [] } = option;
	switch (option.name) {
		case 'onStop':
		case 'onTimeout':
			return {
				...option,
				options: [
					{ name: 'Cancel the Run', value: 'cancel', description: 'The service ends it' },
					{ name: 'Keep It Running', value: 'keep', description: 'Its ID is in the error' },
				],
				description:
					option.name === 'onStop'
						? 'What happens to the flow when the execution is stopped'
						: 'What happens to a flow that has not finished within its time',
			};
		case 'retryOn':
			return {
				...option,
				options: options.filter((each) => Reflect.get(each, 'value') !== 'taskFailed'),
			};
		case 'follow':
			return { ...option, description: 'How the node learns what a running flow does' };
		case 'onUnclearSubmit':
			return {
				...option,
				options: [
					{
						name: 'Check',
						value: 'check',
						description:
							'Look for the run and go on with it. Start it again only if it is not there.',
					},
					{ name: 'Fail', value: 'fail', description: 'Report an error and start nothing more' },
					{
						name: 'Submit Again',
						value: 'resubmit',
						description: 'Start it again without looking. You may pay for it twice.',
					},
				],
				description:
					'What to do when a flow was started but the answer was lost, so that it may run or not',
			};
		default:
			return option;
	}
}

/** The parameters of the node, in the order of its panel. */
export const properties: INodeProperties[] = [
	...OPERATIONS.flatMap(({ operation: { description }, show }) =>
		shownIf(show, [toolDescription(`${description}, on inference.sh.`.replace('.,', ','))]),
	),
	resourceProperty,
	...RESOURCES.map(operationProperty),
	...OPERATIONS.flatMap(({ operation, show }) => shownIf(show, operation.properties)),
	...limitProperties,
	workspaceOptionsProperty(
		OPERATIONS.flatMap(({ operation: { options = [] }, show: { resource, operation } }) =>
			shownIf({ '/resource': resource, '/operation': operation }, options),
		),
		{ '/resource': ['flow'], '/operation': ['run'] },
		forFlows,
	),
];
