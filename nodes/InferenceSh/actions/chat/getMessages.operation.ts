import { path } from '../../../client/api/api';
import { messageFromWire } from '../../../client/agents/chat';
import { listOperation } from '../../listOperation';
import { idProperty } from '../../properties';
import { fieldsOf, named, type View } from '../../view';

const messageView: View = {
	errorName: 'message_error',
	short(wire) {
		const message = messageFromWire(wire);
		return {
			...fieldsOf(wire, ['id', 'chat_id', 'role', 'status']),
			...named({ text: message?.text, message_error: message?.error }),
			...fieldsOf(wire, ['created_at']),
		};
	},
};

export const getMessages = listOperation({
	name: 'Get Messages',
	value: 'getMessages',
	action: 'Get messages of chat',
	description: 'Read the messages of a chat, the newest first',
	rows: 'messages',
	properties: [
		idProperty(
			'Chat ID',
			'chatId',
			'The chat: <code>chat_id</code> in the output of Agent Message',
		),
	],
	at: (item) => ({ method: 'GET', path: path('chats', item.get('chatId').text(), 'messages') }),
	view: messageView,
});
