import type { PendingCall } from '../../client/agents/chat';
import { isJsonObject } from '../../client/util/json';

/** Arguments of a call are shown this long at most. */
const LONGEST = 300;

/** What an agent waits for, without the arguments, to go on with "waits for". */
export function awaited({ kind, tool }: PendingCall): string {
	switch (kind) {
		case 'approval':
			return tool === undefined ? 'an approval' : `approval of: ${tool}`;
		case 'client_tool':
			return `the result of: ${tool ?? 'a tool'}`;
		case 'widget':
			return tool === undefined ? 'the answer to a form' : `the answer to a form: ${tool}`;
		case 'auth':
			return tool === undefined
				? 'an account to be connected on inference.sh'
				: `an account to be connected on inference.sh, for: ${tool}`;
	}
}

/**
 * What an agent waits for, in words for a person, such as "Waits for approval of: refund (order:
 * A-17)"; a line for each call. Empty if it waits for nothing.
 */
export function waitingText(pending: readonly PendingCall[]): string {
	return pending
		.map((call) => {
			const details = detailsOf(call.arguments);
			return `Waits for ${awaited(call)}${details === '' ? '' : ` (${details})`}`;
		})
		.join('\n');
}

/** Arguments as a person reads them: names and values, without the brackets of JSON. */
function detailsOf(given: unknown): string {
	const text = isJsonObject(given)
		? Object.entries(given)
				.map(([name, value]) => [name, plain(value)] as const)
				.filter(([, value]) => value !== '')
				.map(([name, value]) => `${name}: ${value}`)
				.join(', ')
		: plain(given);
	if (text.length <= LONGEST) return text;
	// Half a character would be shown as a question mark.
	return `${text.slice(0, LONGEST).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

function plain(value: unknown): string {
	if (value === undefined || value === null) return '';
	if (Array.isArray(value) && value.length === 0) return '';
	return typeof value === 'string' ? value : JSON.stringify(value);
}
