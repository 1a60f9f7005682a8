import type { INodeProperties } from 'n8n-workflow';
import { outputOptions } from './outputOptions';
import { runOptions } from './runOptions';
import { shownIf } from './shownIf';
import { startOptions } from './startOptions';

/**
 * The Options of a node that runs tasks, with those of its own.
 *
 * @param starts when the node starts its tasks itself, if it does not always
 */
export function taskOptionsProperty(
	own: readonly INodeProperties[] = [],
	starts?: Record<string, string[]>,
): INodeProperties {
	const starting = starts ? shownIf(starts, startOptions) : startOptions;
	return optionsProperty('Task', [...runOptions, ...outputOptions, ...starting, ...own]);
}

/**
 * The Options of a node that talks in chats, with those of its own.
 *
 * @param adapt changes an option that all nodes have
 */
export function runOptionsProperty(
	own: readonly INodeProperties[],
	adapt: (option: INodeProperties) => INodeProperties,
): INodeProperties {
	return optionsProperty('Chat', [...runOptions.map(adapt), ...own]);
}

/** The options by what they are about, the useful first; their names begin with it. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
	Output: [
		...['fullTask', 'includeCost', 'outputSchema', 'streamAs'],
		...['minInterval', 'maxUpdates', 'progressEvery'],
	],
	Reuse: ['reuse', 'reuseWithin'],
	Limit: ['adaptConcurrency', 'maxCost', 'budget', 'totalTimeout', 'stopAfterFailures'],
	Retry: ['retryOn', 'onUnclearSubmit', 'backoffBase', 'backoffCap', 'maxRetryAfter'],
	Chat: ['context', 'onInterrupt'],
	Task: [
		...['version', 'function', 'setup', 'runAt', 'session', 'sessionTimeout', 'infra', 'workers'],
		...['webhook', 'onStop', 'onTimeout', 'follow', 'pollInterval'],
	],
};
const ORDER = Object.values(GROUPS).flat();

/** `Total Timeout` → `Limit: Total Timeout`, `Output Schema` → `Output: Schema` */
function named(option: INodeProperties, about: 'Task' | 'Chat'): INodeProperties {
	const { name, displayName } = option;
	const [found] = Object.entries(GROUPS).find(([, names]) => names.includes(name)) ?? [];
	if (found === undefined) return option;
	const group = found === 'Task' ? about : found;
	const rest = displayName.startsWith(`${group} `)
		? displayName.slice(group.length + 1)
		: displayName;
	return { ...option, displayName: `${group}: ${rest}` };
}

function optionsProperty(
	about: 'Task' | 'Chat',
	options: readonly INodeProperties[],
): INodeProperties {
	const place = ({ name }: INodeProperties) => ORDER.indexOf(name);
	return {
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: options
			.toSorted((left, right) => place(left) - place(right))
			.map((option) => named(option, about)),
	};
}
