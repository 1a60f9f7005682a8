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

/** Options that every request has: those about retries, and the time of the whole run. */
const OF_REQUESTS = ['retryOn', 'backoffBase', 'backoffCap', 'maxRetryAfter', 'totalTimeout'];
/** Of those that follow something, too. */
const OF_FLOWS = ['onUnclearSubmit', 'onStop', 'onTimeout', 'follow', 'pollInterval'];

/**
 * The Options of a node whose operations are requests, and among them the running of flows.
 *
 * @param own those of single operations
 * @param flows when flows are run
 * @param adapt changes an option that all nodes have
 */
export function workspaceOptionsProperty(
	own: readonly INodeProperties[],
	flows: Record<string, string[]>,
	adapt: (option: INodeProperties) => INodeProperties,
): INodeProperties {
	const named = (names: readonly string[]) =>
		runOptions.filter(({ name }) => names.includes(name)).map(adapt);
	const options = [...named(OF_REQUESTS), ...shownIf(flows, named(OF_FLOWS)), ...own];
	return optionsProperty('Flow', options);
}

/** The options by what they are about, the useful first; their names begin with it. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
	Output: [
		...['fullTask', 'includeCost', 'outputSchema', 'streamAs'],
		...['minInterval', 'maxUpdates', 'progressEvery', 'sort'],
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
/** What the options about tasks are about on a node. */
type About = 'Task' | 'Chat' | 'Flow';
const ORDER = Object.values(GROUPS).flat();

/** `Total Timeout` → `Limit: Total Timeout`, `Output Schema` → `Output: Schema` */
function named(option: INodeProperties, about: About): INodeProperties {
	const { name, displayName } = option;
	const [found] = Object.entries(GROUPS).find(([, names]) => names.includes(name)) ?? [];
	if (found === undefined) return option;
	const group = found === 'Task' ? about : found;
	const rest = displayName.startsWith(`${group} `)
		? displayName.slice(group.length + 1)
		: displayName;
	return { ...option, displayName: `${group}: ${rest}` };
}

function optionsProperty(about: About, options: readonly INodeProperties[]): INodeProperties {
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
