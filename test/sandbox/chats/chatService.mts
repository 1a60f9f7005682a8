/** Puts agents and chats together. */
import type { SandboxAgent } from '../agents/agentTypes.mts';
import { Agents } from '../agents/savedAgents.mts';
import { ChatFeed } from './chatFeed.mts';
import { chatRoutes } from './chatRoutes.mts';
import type { Chat } from './chatState.mts';
import { ChatStreams } from './chatStreams.mts';
import { ChatWire } from './chatWire.mts';
import { Chats } from './chats.mts';
import { decisionRoutes } from './decisionRoutes.mts';
import { newId } from '../util/ids.mts';
import type { ReplicaLag } from '../http/replicaLag.mts';
import type { Timetable } from '../timetable.mts';
import type { Route } from '../http/routes.mts';
import type { JobFiles, SandboxChatView, SandboxRunView, SandboxSettings } from '../types.mts';

/** What the sandbox has of agents and chats. */
export interface ChatService {
	readonly routes: readonly Route[];
	/** Refs of the saved agents. */
	refs(): string[];
	/** Chats, oldest first. */
	chats(): SandboxChatView[];
	/** Runs of all chats, by chat. */
	runs(): SandboxRunView[];
	/** Makes the id of a chat of another team. */
	foreign(status: 403 | 404 | 410): string;
	clear(): void;
}

interface ChatEnvironment {
	readonly time: Timetable;
	readonly settings: SandboxSettings;
	readonly agents: readonly SandboxAgent[];
	readonly files: JobFiles;
	readonly clock: (epochMs: number) => string;
	readonly lag: ReplicaLag;
}

function chatView(chat: Chat): SandboxChatView {
	return {
		id: chat.id,
		agent: chat.entry?.ref,
		config: chat.config,
		context: chat.context,
		state: chat.runs.at(-1)?.state,
		stoppedAt: chat.stoppedAt,
		messages: chat.messages.map(({ id, role, status, text, runId, input }) => {
			return { id, role, status, text, runId, input };
		}),
	};
}

function runViews(chat: Chat): SandboxRunView[] {
	return chat.runs.map(({ id, userMessageId, state, error, output, startedAt }) => {
		const about = { id, chatId: chat.id, agent: chat.entry?.ref, userMessageId };
		return { ...about, state, error, output, startedAt };
	});
}

/** Agents and chats of their own. */
export function chatService(environment: ChatEnvironment): ChatService {
	const { time, settings, files, clock, lag } = environment;
	const agents = new Agents(environment.agents, clock);
	const wire = new ChatWire(settings, clock);
	const feed = new ChatFeed(settings, wire);
	const chats = new Chats(time, settings, feed, files);
	const streams = new ChatStreams(settings, wire, feed);
	const foreign = new Map<string, 403 | 404 | 410>();
	return {
		routes: [
			...agents.routes(),
			...chatRoutes({ settings, agents, chats, wire, streams, lag, foreign }),
			...decisionRoutes(chats, wire),
		],
		refs: () => [...agents.entries()].map(({ ref }) => ref),
		chats: () => [...chats.all()].map(chatView),
		runs: () => [...chats.all()].flatMap(runViews),
		foreign(status) {
			const id = newId();
			foreign.set(id, status);
			return id;
		},
		clear() {
			chats.clear();
			foreign.clear();
		},
	};
}
