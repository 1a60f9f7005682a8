/** The routes of agents and chats: send, look, follow, stop, list. */
import type { Json } from '../agents/agentTypes.mts';
import type { Agents } from '../agents/savedAgents.mts';
import { data, notFound, problem, type Answer } from '../http/answers.mts';
import type { Chat } from './chatState.mts';
import type { ChatStreams } from './chatStreams.mts';
import { chatStatus, type ChatWire } from './chatWire.mts';
import type { Chats } from './chats.mts';
import { cursorList } from '../http/lists.mts';
import type { Call, Route } from '../http/routes.mts';
import type { ReplicaLag } from '../http/replicaLag.mts';
import type { SandboxSettings } from '../types.mts';
import { asArray, asRecord, isRecord, text } from '../util/values.mts';

interface ChatRoutesContext {
	readonly settings: SandboxSettings;
	readonly agents: Agents;
	readonly chats: Chats;
	readonly wire: ChatWire;
	readonly streams: ChatStreams;
	readonly lag: ReplicaLag;
	/** Chats of other teams, and how requests for them end. */
	readonly foreign: ReadonlyMap<string, 403 | 404 | 410>;
}

const invalid = (detail: string): Answer => problem(422, 'validation_failed', detail);

/** The chat routes over one service's state. */
export function chatRoutes(context: ChatRoutesContext): Route[] {
	const { settings, agents, chats, wire, streams, lag, foreign } = context;

	function missing(id: string): Answer {
		const status = foreign.get(id);
		if (status === 403) return problem(status, 'forbidden', 'the chat belongs to another team');
		if (status === 410) return problem(status, 'gone', 'the chat has been deleted');
		return notFound('chat');
	}

	/** A new chat with the agent that a request names, or the refusal. */
	function created(body: Json): Chat | Answer {
		const answerer = agents.answerer(body);
		if ('kind' in answerer) return answerer;
		const given = asRecord(body['context']);
		const absent = (answerer.entry?.agent.context ?? []).find(
			({ name, required }) => required === true && text(given[name]) === '',
		);
		if (absent) return invalid(`context.${absent.name} is required by agent ${answerer.name}`);
		const chat = chats.create(answerer, given);
		lag.created(chat.id);
		return chat;
	}

	function run(call: Call): Answer {
		const { body } = call;
		if (!isRecord(body)) {
			return problem(400, 'invalid_request', 'the request body must be a JSON object');
		}
		const input = asRecord(body['input']);
		const files = ['attachments', 'images', 'files'].flatMap((key) => asArray(input[key]));
		const id = text(body['chat_id']);
		const known = chats.get(id);
		if (id !== '' && !known) return missing(id);
		const asked = agents.answerer(body);
		if ('kind' in asked) return asked;
		if (text(input['text']).trim() === '' && files.length === 0) {
			return invalid('input.text is required');
		}
		const chat = known ?? created(body);
		if ('kind' in chat) return chat;
		const { user, assistant } = chats.send(chat, input);
		if (body['stream'] === true && assistant) return streams.message(chat, assistant, call);
		return {
			kind: 'data',
			status: 200,
			data: {
				user_message: wire.message(chat, user),
				assistant_message: assistant ? wire.message(chat, assistant) : null,
			},
			messages: settings.messages,
		};
	}

	function withChat(handle: (chat: Chat, call: Call) => Answer): Route['handle'] {
		return (call) => {
			const id = call.params['id'] ?? '';
			const chat = chats.get(id);
			return chat && !lag.hides(id) ? handle(chat, call) : missing(id);
		};
	}

	function messages(chat: Chat, { query }: Call): Answer {
		const parameters = new URLSearchParams(query);
		const limit = Number(parameters.get('limit') ?? 20);
		const sort = [{ field: 'order', dir: settings.messagesOldestFirst ? 'asc' : 'desc' }];
		const body = { limit, cursor: parameters.get('cursor') ?? '', sort };
		return cursorList(chat.messages, body, {
			row: (message) => ({ order: message.order }),
			id: (message) => message.id,
			dto: (message) => wire.message(chat, message),
		});
	}

	function change(chat: Chat, call: Call): Answer {
		const body = asRecord(call.body);
		if (typeof body['name'] === 'string') chat.title = body['name'];
		if (body['forget_memory'] === true) chat.forgottenUpTo = chat.messages.length;
		if (body['allow_all_tools'] === true) chats.allow(chat);
		if (body['allow_all_tools'] === false) chat.allowsAll = false;
		return data(wire.chat(chat));
	}

	return [
		{ method: 'POST', url: '/agents/run', submits: true, handle: run },
		{
			method: 'POST',
			url: '/chats',
			handle: ({ body }) => {
				const chat = created(asRecord(body));
				return 'kind' in chat ? chat : data(wire.chat(chat));
			},
		},
		{
			method: 'POST',
			url: '/chats/list',
			handle: ({ body }) =>
				cursorList(chats.all(), body, {
					settings,
					row: (chat) => wire.chat(chat),
					id: (chat) => chat.id,
					dto: (chat) => wire.chat(chat),
					text: (chat) => text(wire.chat(chat)['name']),
				}),
		},
		{ method: 'GET', url: '/chats/:id', handle: withChat((chat) => data(wire.chat(chat))) },
		{ method: 'POST', url: '/chats/:id', handle: withChat(change) },
		{ method: 'PATCH', url: '/chats/:id', handle: withChat(change) },
		{
			method: 'DELETE',
			url: '/chats/:id',
			handle: withChat((chat) => {
				chats.delete(chat);
				return { kind: 'empty', status: 204 };
			}),
		},
		{
			method: 'GET',
			url: '/chats/:id/status',
			handle: withChat((chat) => {
				const { id, updatedAt } = chat;
				return data({ id, status: chatStatus(chat), updated_at: wire.time(updatedAt) });
			}),
		},
		{ method: 'GET', url: '/chats/:id/messages', handle: withChat(messages) },
		{
			// Binds the text only: files of a message have to come with /agents/run.
			method: 'POST',
			url: '/chats/:id/messages',
			submits: true,
			handle: withChat((chat, { body }) => {
				const said = text(asRecord(body)['message']);
				if (said.trim() === '') return invalid('message is required');
				return data(wire.message(chat, chats.send(chat, { text: said }).user));
			}),
		},
		{
			method: 'GET',
			url: '/chats/:id/stream',
			handle: withChat((chat, call) => streams.chat(chat, call)),
		},
		{
			method: 'POST',
			url: '/chats/:id/stop',
			handle: withChat((chat) =>
				chats.stop(chat) || settings.stopOfEnded === 200
					? data(null)
					: problem(settings.stopOfEnded, 'conflict', 'nothing is running'),
			),
		},
		{ method: 'POST', url: '/chats/:id/settings', handle: withChat(change) },
		{
			method: 'POST',
			url: '/chats/messages/:id/cancel',
			handle: ({ params }) => {
				const cancelled = chats.cancelMessage(params['id'] ?? '');
				if (cancelled === undefined) return notFound('message');
				return cancelled ? data(null) : problem(409, 'conflict', 'the message is not queued');
			},
		},
	];
}
