import type { INodeProperties } from 'n8n-workflow';
import { outputOptions } from './outputOptions';
import { runOptions } from './runOptions';
import { shownIf } from './shownIf';
import { startOptions } from './startOptions';

/**
 * The Options of a node that runs tasks, with those of its own, in alphabetical order.
 *
 * @param starts when the node starts its tasks itself, if it does not always
 */
export function taskOptionsProperty(
	own: readonly INodeProperties[] = [],
	starts?: Record<string, string[]>,
): INodeProperties {
	const starting = starts ? shownIf(starts, startOptions) : startOptions;
	return optionsProperty([...runOptions, ...outputOptions, ...starting, ...own]);
}

/**
 * The Options of a node that runs something else than tasks, with those of its own.
 *
 * @param adapt changes an option that all nodes have
 */
export function runOptionsProperty(
	own: readonly INodeProperties[],
	adapt: (option: INodeProperties) => INodeProperties,
): INodeProperties {
	return optionsProperty([...runOptions.map(adapt), ...own]);
}

function optionsProperty(options: readonly INodeProperties[]): INodeProperties {
	return {
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: options.toSorted((left, right) => left.displayName.localeCompare(right.displayName)),
	};
}
