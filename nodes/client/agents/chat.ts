import { errorText, isJsonObject, listOf, parseJson, textOf, type JsonObject } from '../util/json';

/** How an agent's work on one message stands (API notes 5.4). */
export type RunKind = 'active' | 'interrupted' | 'terminal' | 'unknown';

/** States in which a turn is over, or waits for somebody. */
export type SettledState =
	| 'completed'
	| 'failed'
	| 'canceled'
	| 'rejected'
	| 'input_required'
	| 'auth_required';

/** An agent's work on one message. */
export interface AgentRun {
	readonly id: string;
	readonly kind: RunKind;
	readonly state: SettledState | undefined;
	/** The message it answers, if the service says so. */
	readonly userMessageId: string | undefined;
	readonly error: string | undefined;
	/** Structured output; `undefined` or null if there is none. */
	readonly output: unknown;
	readonly wire: JsonObject;
}

/** A file that a message refers to. */
export interface MessageFile {
	readonly type: 'image' | 'file';
	readonly uri: string;
}

/** A call of a tool by an agent. */
export interface ToolCall {
	readonly id: string;
	/** The id that the model gave the call. */
	readonly callId: string | undefined;
	readonly name: string;
	/** `app`, `agent`, `client`, … */
	readonly type: string;
	readonly arguments: unknown;
	readonly status: string;
	readonly result: unknown;
	/** Whether it still has to run or to be answered. */
	readonly open: boolean;
	/** What it waits for, if it waits for somebody. */
	readonly waitsFor: PendingKind | undefined;
}

export interface ChatMessage {
	readonly id: string;
	readonly chatId: string | undefined;
	readonly runId: string | undefined;
	/** Place in the chat; the newest has the highest. */
	readonly order: number;
	/** `pending`, `queued`, `ready`, `failed` or `cancelled`. */
	readonly status: string;
	/** Whether nothing changes any more. */
	readonly terminal: boolean;
	readonly role: string;
	readonly text: string;
	readonly error: string | undefined;
	readonly files: readonly MessageFile[];
	readonly tools: readonly ToolCall[];
	readonly createdAt: string | undefined;
	readonly wire: JsonObject;
}

/** What an agent can wait for. */
export type PendingKind = 'approval' | 'client_tool' | 'widget' | 'auth';

/** Something that an agent waits for. */
export interface PendingCall {
	/** Of the tool call, or of the interrupt if no call belongs to it. */
	readonly id: string;
	readonly kind: PendingKind;
	readonly tool: string | undefined;
	readonly arguments: unknown;
	readonly interruptId: string | undefined;
	/** The service's word for it, such as `tool_approval`. */
	readonly reason: string | undefined;
	/** Whether `id` is that of a tool call. */
	readonly isTool: boolean;
	readonly runId: string | undefined;
}

const KINDS: Readonly<Record<string, RunKind>> = {
	submitted: 'active',
	working: 'active',
	input_required: 'interrupted',
	auth_required: 'interrupted',
	completed: 'terminal',
	failed: 'terminal',
	canceled: 'terminal',
	rejected: 'terminal',
};

const SETTLED: readonly SettledState[] = [
	'completed',
	'failed',
	'canceled',
	'rejected',
	'input_required',
	'auth_required',
];

function word(value: unknown): string {
	const text = textOf(value)?.trim().toLowerCase() ?? '';
	return text === 'cancelled' ? 'canceled' : text;
}

/** Reads an object or a JSON text of one: Go sends both (API notes 5.5). */
export function objectOrJson(value: unknown): unknown {
	return typeof value === 'string' ? (parseJson(value) ?? value) : value;
}

/**
 * Views a wire object as an agent run.
 *
 * @returns undefined if it is no object with an `id`
 */
export function runFromWire(wire: unknown): AgentRun | undefined {
	if (!isJsonObject(wire)) return undefined;
	const id = textOf(wire['id']);
	if (id === undefined) return undefined;
	const state = word(wire['state'] ?? wire['status']);
	return {
		id,
		kind: KINDS[state] ?? 'unknown',
		state: SETTLED.find((known) => known === state),
		userMessageId: textOf(wire['user_message_id']),
		error: errorText(wire['error']),
		output: wire['output'],
		wire,
	};
}

const TOOL_WAITS: Readonly<Record<string, PendingKind>> = {
	awaiting_approval: 'approval',
	awaiting_input: 'widget',
};
const OPEN_TOOLS: ReadonlySet<string> = new Set([
	'',
	'pending',
	'in_progress',
	'awaiting_input',
	'awaiting_approval',
]);

function toolFromWire(wire: unknown): ToolCall | undefined {
	if (!isJsonObject(wire)) return undefined;
	const callId = textOf(wire['tool_invocation_id']);
	const id = textOf(wire['id']) ?? callId;
	if (id === undefined) return undefined;
	const called = isJsonObject(wire['function']) ? wire['function'] : {};
	const type = textOf(wire['type']) ?? '';
	const status = textOf(wire['status'])?.toLowerCase() ?? '';
	// A client's tool is ours to run, whichever of the two statuses says so.
	const ours = type === 'client' && (status === 'in_progress' || status === 'awaiting_input');
	return {
		id,
		callId,
		name: textOf(called['name']) ?? textOf(wire['display_name']) ?? '',
		type,
		arguments: objectOrJson(called['arguments'] ?? {}),
		status,
		result: wire['result'] ?? wire['data'] ?? undefined,
		open: OPEN_TOOLS.has(status),
		waitsFor: ours ? 'client_tool' : TOOL_WAITS[status],
	};
}

/** Text, files and error of a message; old answers have a text instead of a list of blocks. */
function contentOf(value: unknown): Pick<ChatMessage, 'text' | 'files' | 'error'> {
	if (typeof value === 'string') return { text: value, files: [], error: undefined };
	const blocks = listOf(value).filter(isJsonObject);
	const files = blocks.flatMap((block): MessageFile[] => {
		const read = (type: MessageFile['type']): MessageFile[] => {
			const file = block[type];
			const uri = textOf(isJsonObject(file) ? (file['uri'] ?? file['url']) : file);
			return uri === undefined ? [] : [{ type, uri }];
		};
		return [...read('image'), ...read('file')];
	});
	return {
		text: blocks
			.filter((block) => block['type'] === 'text')
			.map((block) => textOf(block['text']) ?? '')
			.join(''),
		files,
		error: blocks.map((block) => errorText(block['error'])).find((text) => text !== undefined),
	};
}

/**
 * Views a wire object as a message of a chat.
 *
 * @returns undefined if it is no object with an `id`
 */
export function messageFromWire(wire: unknown): ChatMessage | undefined {
	if (!isJsonObject(wire)) return undefined;
	const id = textOf(wire['id']);
	if (id === undefined) return undefined;
	const status = textOf(wire['status'])?.toLowerCase() ?? '';
	const canceled = word(status) === 'canceled';
	const createdAt = textOf(wire['created_at']);
	return {
		id,
		chatId: textOf(wire['chat_id']),
		runId: textOf(wire['agent_run_id']),
		order: typeof wire['order'] === 'number' ? wire['order'] : Date.parse(createdAt ?? '') || 0,
		status: canceled ? 'cancelled' : status,
		terminal: canceled || status === 'ready' || status === 'failed',
		role: textOf(wire['role']) ?? '',
		...contentOf(wire['content']),
		tools: listOf(wire['tool_invocations'])
			.map(toolFromWire)
			.filter((tool) => tool !== undefined),
		createdAt,
		wire,
	};
}

const REASONS: Readonly<Record<string, PendingKind>> = {
	client_tool: 'client_tool',
	widget: 'widget',
	auth: 'auth',
};

/** What an interrupt is about; `tools` are the calls it may belong to. */
function interruptFromWire(wire: unknown, tools: readonly ToolCall[]): PendingCall | undefined {
	if (!isJsonObject(wire)) return undefined;
	const interruptId = textOf(wire['id']);
	if (interruptId === undefined || (textOf(wire['status']) ?? 'pending') !== 'pending') {
		return undefined;
	}
	const parsed = objectOrJson(wire['meta']);
	const meta = isJsonObject(parsed) ? parsed : {};
	const resource = wire['resource_type'] === 'hook_event' ? undefined : wire['resource_id'];
	const toolId = textOf(meta['tool_invocation_id']) ?? textOf(resource);
	const tool = tools.find(
		({ id, callId }) => toolId !== undefined && [id, callId].includes(toolId),
	);
	const reason = textOf(wire['reason']);
	return {
		id: tool?.id ?? toolId ?? interruptId,
		kind: REASONS[reason ?? ''] ?? 'approval',
		tool: textOf(tool?.name) ?? textOf(meta['tool_name']),
		arguments: tool?.arguments ?? objectOrJson(meta['arguments'] ?? {}),
		interruptId,
		reason,
		isTool: tool !== undefined || toolId !== undefined,
		runId: textOf(wire['run_id']),
	};
}

/**
 * What is waited for, from both places that tell it: the tool calls of the messages and the
 * interrupts of the chat. One that is in both is returned once.
 */
export function pendingCalls(
	messages: readonly ChatMessage[],
	interrupts: unknown,
): readonly PendingCall[] {
	const tools = messages.flatMap((message) => message.tools);
	const told = listOf(interrupts)
		.map((wire) => interruptFromWire(wire, tools))
		.filter((call) => call !== undefined);
	const known = new Set(told.map(({ id }) => id));
	const silent = messages.flatMap(({ runId, tools: calls }) =>
		calls.flatMap((call): PendingCall[] => {
			const { id, name: tool, waitsFor: kind } = call;
			if (kind === undefined || known.has(id)) return [];
			const rest = { interruptId: undefined, reason: undefined, isTool: true, runId };
			return [{ id, kind, tool, arguments: call.arguments, ...rest }];
		}),
	);
	// A call that has been answered may stay in the list of interrupts for a moment.
	const answered = new Set(tools.filter(({ open }) => !open).map(({ id }) => id));
	return [...told.filter(({ id }) => !answered.has(id)), ...silent];
}
