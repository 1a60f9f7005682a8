import { createdAfter, createdBefore, wordFilter } from '../../filters';
import { listOperation } from '../../listOperation';
import { fieldsOf, named, referenceOf, type View } from '../../view';

const STATUSES = [
	{ name: 'Awaiting Input', value: 'awaiting_input' },
	{ name: 'Busy', value: 'busy' },
	{ name: 'Completed', value: 'completed' },
	{ name: 'Idle', value: 'idle' },
];

const chatView: View = {
	errorName: 'chat_error',
	short: (wire) => ({
		...fieldsOf(wire, ['id', 'name', 'status']),
		...named({ agent: referenceOf(wire['agent']) ?? wire['agent_id'] }),
		...fieldsOf(wire, ['created_at', 'updated_at']),
	}),
};

export const getChats = listOperation({
	name: 'Get Many',
	value: 'getAll',
	action: 'Get many chats',
	description: 'List the chats of the workspace with agents, with their statuses',
	rows: 'chats',
	at: () => ({ method: 'POST', path: '/chats/list' }),
	searches: 'the names of the chats',
	filters: [createdAfter, createdBefore, wordFilter('status', STATUSES)],
	sortable: true,
	view: chatView,
});
