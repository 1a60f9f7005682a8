import { atMostUnclear, compareJson, together, type Comparison } from '../once/comparison';
import type { Fingerprint } from '../once/fingerprint';
import { isJsonObject, listOf, textOf, throughJson, type JsonObject } from '../util/json';
import { messageFromWire } from './chat';
import type { AgentChoice, MessageRequest } from './messageRequest';

/** What identifies a message: its chat or its agent, its text, its files, and its context. */
export class MessageFingerprint implements Fingerprint {
	readonly kind = 'message';

	private sentJson: JsonObject | undefined;

	/** @param request what is sent */
	constructor(readonly request: MessageRequest) {}

	/** What is sent, as it is after it has gone over the wire. */
	get echo(): JsonObject {
		this.sentJson ??= this.makeEcho();
		return this.sentJson;
	}

	private makeEcho(): JsonObject {
		const { chatId, agent, text, attachments, context } = this.request;
		return throughJson({
			chat_id: chatId,
			text,
			files: attachments.map(({ uri }) => uri),
			context,
			...(agent.kind === 'saved' ? { agent: agent.ref } : { agent_config: agent.config }),
		});
	}

	/**
	 * Compares with a message of a chat, as `shownMessage` puts it.
	 *
	 * | part | equal if | unclear if |
	 * | --- | --- | --- |
	 * | chat | the same id; of a new chat: not shown | a new chat, and one is shown: anybody's |
	 * | agent (new chat) | the whole definition, or the same reference | the definition is not shown |
	 * | text | the same | see `compareJson` |
	 * | files | the same addresses in the same order | not shown |
	 * | context (new chat) | the same | not shown |
	 */
	compare(shown: JsonObject): Comparison {
		return together(this.parts(shown));
	}

	private *parts(shown: JsonObject): Generator<Comparison> {
		const { request, echo: sent } = this;
		const chat = textOf(shown['chat_id']);
		if (request.chatId !== undefined && chat !== undefined) {
			yield chat === request.chatId ? 'equal' : 'different';
		} else if (request.chatId !== chat) {
			// A chat that has just been created may be anybody's.
			yield 'unclear';
		}
		yield compareJson(sent['text'], shown['text']);
		yield compareFiles(listOf(sent['files']), listOf(shown['files']));
		if (request.chatId !== undefined) return;
		yield compareAgent(request.agent, sent['agent_config'], shown);
		yield compareContext(sent['context'], shown['context']);
	}
}

/**
 * A message as a fingerprint compares it; undefined if it is no user's message.
 *
 * @param chat the chat that it is in, if its agent and context matter
 */
export function shownMessage(wire: unknown, chat: JsonObject = {}): JsonObject | undefined {
	const message = messageFromWire(wire);
	if (message?.role !== 'user') return undefined;
	return {
		agent: chat['agent'],
		agent_config: chat['agent_config'],
		context: chat['context'],
		chat_id: message.chatId ?? textOf(chat['id']),
		text: message.text,
		files: message.files.map(({ uri }) => uri),
	};
}

/** A service that does not show a message's files shows none. */
function compareFiles(sent: readonly unknown[], shown: readonly unknown[]): Comparison {
	if (sent.length > 0 && shown.length === 0) return 'unclear';
	return compareJson(sent, shown);
}

function compareAgent(asked: AgentChoice, sent: unknown, shown: JsonObject): Comparison {
	const { agent, agent_config: config } = shown;
	if (asked.kind === 'adHoc') {
		if (isJsonObject(config)) return compareJson(sent, config);
		const isSaved =
			typeof agent === 'string' ||
			textOf(isJsonObject(agent) ? agent['namespace'] : '') !== undefined;
		return isSaved ? 'different' : 'unclear';
	}
	if (isJsonObject(config)) return 'different';
	if (typeof agent === 'string') return agent === asked.ref ? 'equal' : sameName(asked.ref, agent);
	if (!isJsonObject(agent)) return 'unclear';
	const [namespace, name] = [textOf(agent['namespace']), textOf(agent['name'])];
	if (name === undefined) return 'unclear';
	return sameName(asked.ref, namespace === undefined ? name : `${namespace}/${name}`);
}

/** Whether two references may be of one agent; their versions cannot be compared here. */
function sameName(one: string, other: string): Comparison {
	const [left = [], right = []] = [one, other].map((ref) => ref.replace(/@.*$/, '').split('/'));
	const depth = Math.min(left.length, right.length);
	const same = left.slice(-depth).join('/') === right.slice(-depth).join('/');
	return atMostUnclear(same ? 'equal' : 'different');
}

function compareContext(sent: unknown, shown: unknown): Comparison {
	const isEmpty = (value: unknown) => !isJsonObject(value) || Object.keys(value).length === 0;
	if (isEmpty(sent) || isEmpty(shown)) return isEmpty(sent) && isEmpty(shown) ? 'equal' : 'unclear';
	return compareJson(sent, shown);
}
