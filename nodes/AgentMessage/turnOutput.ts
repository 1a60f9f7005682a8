import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { ChatView } from '../client/agents/chatView';
import type { ChatMessage, MessageFile, PendingCall, ToolCall } from '../client/agents/chat';
import type { TurnRun } from '../client/agents/turnRun';
import { asData } from '../shared/output/items';

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

/** The output item of a turn. */
export function turnItem(run: TurnRun, itemIndex: number): INodeExecutionData {
	const { chatId, messageId, state, text, output, answers, pending } = run;
	const json = asData({
		chat_id: chatId,
		message_id: messageId,
		status: state,
		text,
		output,
		files: answers.flatMap(({ files }) => files.map(fileData)),
		tool_invocations: answers.flatMap(({ tools }) => tools.map(toolData)),
		pending: pending.map(pendingData),
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

/** The output item of a chat. */
export function chatItem(view: ChatView, itemIndex: number): INodeExecutionData {
	const { chatId, status, wire, messages, pending } = view;
	const json = asData({
		chat_id: chatId,
		status: TURN_STATUS[status] ?? status,
		text: messages.findLast(({ role, text }) => role === 'assistant' && text !== '')?.text ?? '',
		output: wire['output'] ?? undefined,
		messages: messages.map(messageData),
		pending: pending.map(pendingData),
	});
	return { json, pairedItem: { item: itemIndex } };
}
