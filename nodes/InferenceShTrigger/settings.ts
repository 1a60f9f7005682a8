import type { IPollFunctions } from 'n8n-workflow';
import { parseAppRef } from '../client/apps/appRef';
import type { TerminalStatus } from '../client/tasks/taskStatus';
import { isJsonObject } from '../client/util/json';
import { nodeOf } from '../shared/parameters/nodeOf';
import { Parameter } from '../shared/parameters/parameter';
import { pickedValue } from '../shared/parameters/readParameter';

/** What starts the workflow. */
export type TriggerSettings =
	| {
			readonly event: 'taskFinished';
			/** `namespace/name`; undefined for those of all apps. */
			readonly app: string | undefined;
			readonly statuses: readonly TerminalStatus[];
	  }
	| {
			readonly event: 'approvalNeeded';
			/** `namespace/name`; undefined for those of all agents. */
			readonly agent: string | undefined;
	  };

const STATUSES: readonly TerminalStatus[] = ['completed', 'failed', 'cancelled'];

/**
 * Reads and checks the parameters.
 *
 * @throws NodeOperationError that names the parameter and prints the bad value
 */
export function readTriggerSettings(context: IPollFunctions): TriggerSettings {
	const parameter = (name: string, value: unknown) =>
		new Parameter({ node: nodeOf(context), itemIndex: undefined }, name, value);
	const event = parameter('Event', context.getNodeParameter('event', 'taskFinished'));
	const given: unknown = context.getNodeParameter('filters', {});
	const filters = isJsonObject(given) ? given : {};
	switch (event.oneOf(['taskFinished', 'approvalNeeded'])) {
		case 'taskFinished':
			return {
				event: 'taskFinished',
				app: readName(parameter('App', pickedValue(filters['app']))),
				statuses: readStatuses(parameter('Status', filters['status'])),
			};
		case 'approvalNeeded':
			return {
				event: 'approvalNeeded',
				agent: readName(parameter('Agent', pickedValue(filters['agent']))),
			};
	}
}

/** Nothing chosen means all of them; an expression may give one word. */
function readStatuses(status: Parameter): readonly TerminalStatus[] {
	if (status.isBlank) return STATUSES;
	if (STATUSES.some((known) => known === status.value)) return [status.oneOf(STATUSES)];
	const chosen = status.list().map((one) => one.oneOf(STATUSES));
	return chosen.length === 0 ? STATUSES : STATUSES.filter((known) => chosen.includes(known));
}

function readName(parameter: Parameter): string | undefined {
	const text = parameter.optionalText();
	if (text === undefined) return undefined;
	// Segments of dots alone would lead to another place.
	const isName = /^(?!\.+\/)[^/@:]+\/(?!\.+$)[^/@:]+$/.test(text);
	if (isName && parseAppRef(text) !== undefined) return text;
	throw parameter.mismatch('namespace/name, without a version or function');
}
