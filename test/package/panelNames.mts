/** What people can see in the panels of the nodes and of the credential, by its name. */
import type { INodeProperties, INodePropertyOptions, INodeTypeDescription } from 'n8n-workflow';
import { InferenceShApi } from '../../credentials/InferenceShApi.credentials.ts';
import { AgentMessage } from '../../nodes/AgentMessage/AgentMessage.node.ts';
import { Batch } from '../../nodes/Batch/Batch.node.ts';
import { InferenceSh } from '../../nodes/InferenceSh/InferenceSh.node.ts';
import { LmChatInferenceSh } from '../../nodes/LmChatInferenceSh/LmChatInferenceSh.node.ts';
import { InferenceShTrigger } from '../../nodes/InferenceShTrigger/InferenceShTrigger.node.ts';
import { RunApp } from '../../nodes/RunApp/RunApp.node.ts';
import { StreamTask } from '../../nodes/StreamTask/StreamTask.node.ts';

export const DESCRIPTIONS: readonly INodeTypeDescription[] = [
	new RunApp(),
	new Batch(),
	new StreamTask(),
	new AgentMessage(),
	new InferenceSh(),
	new LmChatInferenceSh(),
	new InferenceShTrigger(),
].map(({ description }) => description);

/** Everything in a panel that has a name: parameters, what is inside of them, and their choices. */
export function* partsOf(
	properties: readonly INodeProperties[],
): Generator<INodeProperties | INodePropertyOptions> {
	for (const property of properties) {
		yield property;
		for (const option of property.options ?? []) {
			if ('values' in option) yield* partsOf(option.values);
			else if ('type' in option && 'displayName' in option) yield* partsOf([option]);
			else if ('value' in option) yield option;
		}
	}
}

export function namesIn(properties: readonly INodeProperties[]): ReadonlySet<string> {
	return new Set(
		[...partsOf(properties)].map((part) => ('displayName' in part ? part.displayName : part.name)),
	);
}

/** Names of parameters only. */
export function parametersIn(properties: readonly INodeProperties[]): readonly string[] {
	return [...partsOf(properties)].flatMap((part) =>
		'displayName' in part ? part.displayName : [],
	);
}

export const CREDENTIAL = new InferenceShApi().properties;
/** Of all panels together. */
export const ALL_PROPERTIES: readonly INodeProperties[] = [
	...DESCRIPTIONS.flatMap(({ properties }) => properties),
	...CREDENTIAL,
];
