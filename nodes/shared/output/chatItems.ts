import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { ChatView } from '../../client/agents/chatView';
import type { ChatMessage, MessageFile, PendingCall, ToolCall } from '../../client/agents/chat';
import type { TurnRun } from '../../client/agents/turnRun';
import { asData } from './items';
import { waitingText } from './waitingText';

/** n8n's expressions refuse to read a field called `arguments`, so there is a second name for it. */
function withArguments(given: unknown): Readonly<Record<string, unknown>> {
	return { arguments: given, args: given };
}

function toolData({ id, name, type, status, arguments: given, result }: ToolCall): IDataObject {
	return asData({ id, tool: name, type, status, ...withArguments(given), result });
}

function pendingData(call: PendingCall): IDataObject {
	const { id, kind, tool, arguments: given, interruptId, reason } = call;
	return asData({ id, kind, tool, ...withArguments(given), interrupt_id: interruptId, reason });
}

function fileData({ type, uri }: MessageFile): IDataObject {
	return { type, uri };
}

/** How items say what an agent waits for. */
export interface TurnWords {
	/** Whether their text says it, too; it does not in nodes saved with release 0.1.0. */
	readonly tellsWaiting: boolean;
}

/** What an agent has said, and in words what it waits for. */
function textWith(text: string, pending: readonly PendingCall[], words: TurnWords): string {
	const waiting = words.tellsWaiting ? waitingText(pending) : '';
	if (waiting === '') return text;
	return text.trim() === '' ? waiting : `${text.trimEnd()}\n\n${waiting}`;
}

/** The output item of a turn. */
export function turnItem(run: TurnRun, itemIndex: number, words: TurnWords): INodeExecutionData {
	const { chatId, messageId, state, text, output, answers, pending } = run;
	const json = asData({
		text: textWith(text, pending, words),
		output,
		status: state,
		pending: pending.map(pendingData),
		files: answers.flatMap(({ files }) => files.map(fileData)),
		tool_invocations: answers.flatMap(({ tools }) => tools.map(toolData)),
		chat_id: chatId,
		message_id: messageId,
		run: { attempts: run.attempts, duration_ms: run.durationMs, via: run.via },
	});
	return { json, pairedItem: { item: itemIndex } };
}

function messageData(message: ChatMessage): IDataObject {
	const { id, role, status, text, error, files, tools, createdAt } = message;
	return asData({
		id,
		role,
		status,
		text,
		error,
		created_at: createdAt,
		files: files.map(fileData),
		tool_invocations: tools.map(toolData),
	});
}

/** Statuses of chats in the words of turns. */
const TURN_STATUS: Readonly<Record<string, string>> = {
	idle: 'completed',
	busy: 'working',
	submitted: 'working',
	awaiting_input: 'input_required',
};

/**
 * The JSON of a chat whose agent waits for somebody, in the fields of a turn's item.
 *
 * @param agent `namespace/name`, if it is known
 */
export function waitingItem(view: ChatView, agent: string | undefined): IDataObject {
	const { chatId, status, wire, messages, pending } = view;
	const asked = messages.findLastIndex(({ role }) => role === 'user');
	const answers = messages.slice(asked + 1).filter(({ role }) => role === 'assistant');
	const said = answers.findLast(({ text }) => text !== '');
	const word = status.toLowerCase();
	return asData({
		text: textWith(said?.text ?? '', pending, { tellsWaiting: true }),
		output: wire['output'] ?? undefined,
		status: TURN_STATUS[word] ?? word,
		pending: pending.map(pendingData),
		files: answers.flatMap(({ files }) => files.map(fileData)),
		tool_invocations: answers.flatMap(({ tools }) => tools.map(toolData)),
		chat_id: chatId,
		message_id: answers.at(-1)?.id ?? messages[asked]?.id,
		agent,
	});
}

/** The output item of a chat. */
export function chatItem(view: ChatView, itemIndex: number, words: TurnWords): INodeExecutionData {
	const { chatId, status, wire, messages, pending } = view;
	const said = messages.findLast(({ role, text }) => role === 'assistant' && text !== '');
	const json = asData({
		text: textWith(said?.text ?? '', pending, words),
		output: wire['output'] ?? undefined,
		status: TURN_STATUS[status] ?? status,
		pending: pending.map(pendingData),
		messages: messages.map(messageData),
		chat_id: chatId,
	});
	return { json, pairedItem: { item: itemIndex } };
}
