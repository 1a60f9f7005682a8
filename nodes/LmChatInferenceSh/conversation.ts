import type { ContentFile, Message, MessageContent } from '@n8n/ai-node-sdk';
import { ValidationError } from '../client/errors';
import { isJsonObject, listOf, textOf } from '../client/util/json';
import { decodedPart } from '../client/util/url';

/** A call of a tool; `arguments` is JSON text. */
export interface ToolCall {
	readonly id: string;
	readonly name: string;
	readonly arguments: string;
}

/** A file of a message: where it is, or what is in it. */
export type MessageFile = { readonly isImage: boolean } & (
	| { readonly kind: 'url'; readonly url: string }
	| { readonly kind: 'content'; readonly bytes: Uint8Array; readonly contentType: string }
);

/** What somebody has said in a conversation. */
export interface Turn {
	readonly role: 'user' | 'assistant' | 'tool';
	readonly text: string;
	readonly reasoning: string;
	readonly files: readonly MessageFile[];
	readonly calls: readonly ToolCall[];
	/** Of a tool's result: the call that it is the result of. */
	readonly callId: string | undefined;
}

/** A conversation as the platform's language models see it. */
export interface Conversation {
	/** Undefined if there is none. */
	readonly systemPrompt: string | undefined;
	/** What came before. */
	readonly history: readonly Turn[];
	/** What is to be answered. */
	readonly last: Turn;
}

const NOTHING: Turn = {
	role: 'user',
	text: '',
	reasoning: '',
	files: [],
	calls: [],
	callId: undefined,
};

/**
 * Reads n8n's messages. System messages are put together, wherever they are. Calls that were made in
 * parallel come one after the other, each with its result: many apps put neighbouring messages of one
 * role together and then keep the first `tool_call_id` only (API notes 7.6).
 *
 * @throws ValidationError if there is nothing to answer, or a file that cannot be read
 */
export function readConversation(messages: readonly Message[]): Conversation {
	const systemPrompt = messages
		.filter(({ role }) => role === 'system')
		.map(({ content }) => textIn(content, '\n'))
		.filter((text) => text !== '')
		.join('\n\n');
	const turns = oneAfterAnother(messages.filter(({ role }) => role !== 'system').map(turnOf));
	const last = turns.at(-1);
	if (!last) {
		throw new ValidationError('The chat model has got no message to answer', {
			hint: 'Look at the prompt of the node that uses the model: it is empty, or has a system message only.',
		});
	}
	const others = { history: turns.slice(0, -1), last };
	// Calls without results have no place in what is to be answered.
	const shown = last.calls.length === 0 ? others : { history: turns, last: asked('assistant') };
	return { systemPrompt: systemPrompt === '' ? undefined : systemPrompt, ...shown };
}

const asked = (role: Turn['role']): Turn => ({ ...NOTHING, role });

function turnOf({ role, content }: Message): Turn {
	if (role === 'tool') return toolTurn(content);
	const isAnswer = role === 'assistant';
	const reasoning = content.map((part) => (part.type === 'reasoning' ? part.text : ''));
	return {
		role: isAnswer ? 'assistant' : 'user',
		// The parts of an answer are the pieces in which it came; those of a question are paragraphs.
		text: textIn(content, isAnswer ? '' : '\n'),
		reasoning: reasoning.join(''),
		files: filesIn(content),
		calls: isAnswer ? callsIn(content) : [],
		callId: undefined,
	};
}

function toolTurn(content: readonly MessageContent[]): Turn {
	const result = content.find((part) => part.type === 'tool-result');
	const value: unknown = result?.result ?? textIn(content, '\n');
	const parts = listOf(value).filter(isContent);
	const isText = parts.length > 0 && parts.length === listOf(value).length;
	return {
		...asked('tool'),
		text: isText ? textIn(parts, '\n') : typeof value === 'string' ? value : JSON.stringify(value),
		files: isText ? filesIn(parts) : [],
		callId: result?.toolCallId,
	};
}

/** What n8n makes of a tool's result that has several parts. */
function isContent(value: unknown): value is MessageContent {
	return isJsonObject(value) && (value['type'] === 'text' || value['type'] === 'file');
}

function textIn(content: readonly MessageContent[], between: string): string {
	return content.flatMap((part) => (part.type === 'text' ? part.text : [])).join(between);
}

function callsIn(content: readonly MessageContent[]): readonly ToolCall[] {
	const calls = content.flatMap((part, index): readonly ToolCall[] => {
		const id = (given: string | undefined) => given ?? `call_${index}`;
		if (part.type === 'tool-call') {
			return [{ id: id(part.toolCallId), name: part.toolName, arguments: part.input }];
		}
		if (part.type !== 'invalid-tool-call') return [];
		return [{ id: id(part.toolCallId), name: part.name ?? '', arguments: part.args ?? '{}' }];
	});
	// A message may have its calls twice: among its parts and beside them.
	return [...new Map(calls.map((call) => [call.id, call])).values()];
}

function filesIn(content: readonly MessageContent[]): readonly MessageFile[] {
	return content.flatMap((part) => (part.type === 'file' ? fileOf(part) : []));
}

const DATA_URL = /^data:([^;,]*)(?:;[^;,]*)*?(;base64)?,/;
const ANY_TYPE = 'application/octet-stream';

function fileOf({ data, mediaType, providerMetadata }: ContentFile): MessageFile {
	const type = textOf(mediaType);
	const url = textOf(providerMetadata?.['url']) ?? (isAddress(data) ? data : undefined);
	if (url !== undefined && !url.startsWith('data:')) {
		return { kind: 'url', url, isImage: isImageType(type) };
	}
	const [bytes, said] = typeof data === 'string' || url ? decoded(url ?? data) : [data, undefined];
	if (bytes === undefined || bytes.length === 0) {
		throw new ValidationError('A message for the chat model has a file with nothing in it', {
			hint: 'Give the file as binary data, as base64 or by its URL.',
		});
	}
	const contentType = type ?? textOf(said) ?? imageTypeOf(bytes) ?? ANY_TYPE;
	return { kind: 'content', bytes, contentType, isImage: isImageType(contentType) };
}

const isAddress = (data: unknown): data is string =>
	typeof data === 'string' && /^(?:https?:|data:)/i.test(data);

/** Without a type a file is taken for a picture: nearly all are, and n8n leaves the type out. */
const isImageType = (type = 'image/*') => type.startsWith('image/');

/** Base64, with or without what makes a URL of it. */
function decoded(data: unknown): readonly [Uint8Array | undefined, string | undefined] {
	if (typeof data !== 'string') return [undefined, undefined];
	const [head = '', type, base64] = DATA_URL.exec(data) ?? [];
	const body = data.slice(head.length);
	if (head === '' || base64 !== undefined) return [Buffer.from(body, 'base64'), type];
	return [Buffer.from(decodedPart(body)), type];
}

/** What the formats of pictures begin with. */
const IMAGES: ReadonlyArray<readonly [type: string, first: string]> = [
	['image/png', '\x89PNG'],
	['image/jpeg', '\xff\xd8\xff'],
	['image/gif', 'GIF8'],
	['image/webp', 'RIFF'],
];

function imageTypeOf(bytes: Uint8Array): string | undefined {
	const start = Buffer.from(bytes.subarray(0, 4)).toString('latin1');
	return IMAGES.find(([, first]) => start.startsWith(first))?.[0];
}

function oneAfterAnother(turns: readonly Turn[]): readonly Turn[] {
	const result: Turn[] = [];
	for (let at = 0; at < turns.length; ) {
		const from = at;
		while (turns[at]?.role === 'assistant') at += 1;
		const speakers = turns.slice(from, at);
		const results = at;
		while (turns[at]?.role === 'tool') at += 1;
		result.push(...withResults(speakers, turns.slice(results, at)));
		const other = turns[at];
		if (other?.role === 'user') {
			result.push(other);
			at += 1;
		}
	}
	return result;
}

/** Puts the results of calls behind them. Calls without a result stay together. */
function withResults(speakers: readonly Turn[], results: readonly Turn[]): readonly Turn[] {
	const open = new Set(results);
	const turns: Turn[] = [];
	for (const speaker of speakers) {
		let said = speaker;
		const unanswered: ToolCall[] = [];
		for (const call of speaker.calls) {
			const own = [...open].filter(({ callId }) => callId === call.id);
			if (own.length === 0) {
				unanswered.push(call);
				continue;
			}
			turns.push({ ...said, calls: [call] }, ...own);
			for (const one of own) open.delete(one);
			said = asked('assistant');
		}
		if (said === speaker || unanswered.length > 0) turns.push({ ...said, calls: unanswered });
	}
	return [...turns, ...open];
}
