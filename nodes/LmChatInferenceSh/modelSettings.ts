import type { ISupplyDataFunctions } from 'n8n-workflow';
import type { RunSettings } from '../client/settings';
import type { JsonObject } from '../client/util/json';
import { ItemParameters } from '../shared/parameters/itemParameters';
import { readRunSettings } from '../shared/parameters/runSettings';
import { readAppRef } from '../shared/parameters/taskParameters';

/** Which model to ask, and how. */
export interface ModelSettings {
	/** As it was given, with its function. */
	readonly name: string;
	/** `namespace/name[@version]` */
	readonly app: string;
	readonly function: string | undefined;
	/** What was set, under the names of the contract. */
	readonly options: JsonObject;
	readonly run: RunSettings;
}

/** How much a model may think before it answers. */
export const EFFORTS = ['none', 'low', 'medium', 'high'] as const;

/**
 * Reads the parameters of the chat model for an item of the node that uses it.
 *
 * @throws NodeOperationError that names the parameter and prints the bad value
 */
export function readModelSettings(context: ISupplyDataFunctions, itemIndex: number): ModelSettings {
	const item = new ItemParameters(context, itemIndex);
	const { app, function: entry } = readAppRef(item.picked('model'), 'model');
	const number = (name: string, bounds: { min: number; max: number; integer?: boolean }) => {
		const option = item.options.get(name);
		return option.isBlank ? undefined : option.number(bounds);
	};
	const effort = item.options.get('reasoningEffort');
	const timeoutMs = item.options.get('timeout', 600).duration();
	return {
		name: entry === undefined ? app : `${app}:${entry}`,
		app,
		function: entry,
		options: {
			temperature: number('temperature', { min: 0, max: 2 }),
			max_tokens: number('maxTokens', { min: 1, max: 10_000_000, integer: true }),
			top_p: number('topP', { min: 0, max: 1 }),
			reasoning_effort: effort.isBlank ? undefined : effort.oneOf(EFFORTS),
		},
		run: {
			...readRunSettings(context),
			timeoutMs: timeoutMs === 0 ? undefined : timeoutMs,
			maxRetries: item.options.get('maxRetries', 3).number({ min: 0, max: 100, integer: true }),
		},
	};
}
