import type { IExecuteFunctions } from 'n8n-workflow';
import type { ItemParameters } from '../shared/parameters/itemParameters';
import type { Parameter } from '../shared/parameters/parameter';
import { nodeOf } from '../shared/parameters/nodeOf';

/** Which chat a message goes to. */
export type Conversation =
	| { readonly kind: 'new' }
	| { readonly kind: 'chat'; readonly chatId: string }
	/** The chat that the node remembers for a key; a new one if it remembers none. */
	| { readonly kind: 'key'; readonly key: string };

/** Conversation Key as it is in a new node: the session of a chat, else the execution. */
export const SESSION_KEY = '={{ $json.sessionId || $execution.id }}';

/**
 * Reads which chat an item's message goes to.
 *
 * @throws NodeOperationError if what tells the chat is missing, or told twice
 */
export function readConversation(item: ItemParameters): Conversation {
	if (nodeOf(item.context).typeVersion < 2) return readFirstVersion(item);
	const kind = item.get('conversation', 'new').oneOf(['new', 'key', 'chat']);
	switch (kind) {
		case 'new':
			return { kind };
		case 'key':
			return { kind, key: readKey(item) };
		case 'chat': {
			const help =
				'It is <code>chat_id</code> in an earlier output. To begin a chat, set "Conversation" to "New" or "By Key".';
			return { kind, chatId: item.get('chatId').text(help) };
		}
	}
}

/** As nodes of release 0.1.0 have it: a key in the options, or an id, or neither. */
function readFirstVersion(item: ItemParameters): Conversation {
	const keyOption = item.options.get('conversationKey');
	const key = keyOption.optionalText();
	const chatId = item.get('chatId').optionalText();
	if (key === undefined) return chatId === undefined ? { kind: 'new' } : { kind: 'chat', chatId };
	if (chatId === undefined) return { kind: 'key', key };
	throw keyOption.error('and "Chat ID" are both set, but only one of them can tell the chat');
}

function readKey(item: ItemParameters): string {
	const { context, itemIndex } = item;
	const entered = item.get('conversationKey');
	const isUntouched = nodeOf(context).parameters['conversationKey'] === SESSION_KEY;
	const session = isUntouched && !hasSession(item) ? chatSession(context, itemIndex) : undefined;
	const key: Parameter = session === undefined ? entered : item.given(entered.displayName, session);
	return key.text(
		'Enter what tells the conversations apart, for example the number of a customer. To begin a chat for every item, set "Conversation" to "New".',
	);
}

/** Whether the item itself says to which session it belongs. */
function hasSession({ context, itemIndex }: ItemParameters): boolean {
	const session = context.getInputData()[itemIndex]?.json['sessionId'];
	return session !== undefined && session !== null && session !== '';
}

/**
 * The session of the chat that has begun the execution; n8n's own memories, too, look there if the
 * item does not have it.
 *
 * @returns undefined if no Chat Trigger has, or n8n is too old to tell
 */
function chatSession(context: IExecuteFunctions, itemIndex: number): unknown {
	const { getChatTrigger }: Partial<IExecuteFunctions> = context;
	const trigger = getChatTrigger?.call(context);
	if (!trigger) return undefined;
	try {
		const name = JSON.stringify(trigger.name);
		return context.evaluateExpression(`{{ $(${name}).first().json.sessionId }}`, itemIndex);
	} catch {
		// Another trigger has begun the execution.
		return undefined;
	}
}
