/** The streams of chats, and that of a message which was sent with `stream:true`. */
import type { Answer } from '../http/answers.mts';
import type { ChatFeed } from './chatFeed.mts';
import { isOver, isTerminalMessage, type Chat, type ChatMessage } from './chatState.mts';
import type { ChatWire } from './chatWire.mts';
import type { Call } from '../http/routes.mts';
import { negotiate, StreamWriter, type StreamMessage } from '../http/streams.mts';
import type { SandboxSettings } from '../types.mts';

/** How many messages a stream shows first. */
const SNAPSHOTS = 20;

export class ChatStreams {
	private readonly settings: SandboxSettings;
	private readonly wire: ChatWire;
	private readonly feed: ChatFeed;

	constructor(settings: SandboxSettings, wire: ChatWire, feed: ChatFeed) {
		this.settings = settings;
		this.wire = wire;
		this.feed = feed;
	}

	/** Typed events of a chat: how it is now, then everything that happens in it. */
	chat(chat: Chat, call: Call): Answer {
		return this.stream(call, (writer) => {
			if (this.settings.streamSnapshotFirst) {
				for (const message of this.snapshots(chat)) writer.send(message);
			}
			return this.feed.watch(chat, (message) => {
				writer.send(message);
				// Otherwise it stays open after a turn: another one may follow.
				const over = message.event === 'chats' && isOver(chat.runs.at(-1));
				if (over && this.settings.chatStreamClosesAfterTurn) writer.end();
			});
		});
	}

	/** The first message of an answer, again and again, until it is complete. */
	message(chat: Chat, message: ChatMessage, call: Call): Answer {
		const snapshot = (): StreamMessage => {
			const data = this.wire.message(chat, message);
			return { data, terminal: isTerminalMessage(message) };
		};
		return this.stream(call, (writer) => {
			writer.send(snapshot());
			return this.feed.watch(chat, (_message, about) => {
				if (about !== message) return;
				writer.send(snapshot());
				if (isTerminalMessage(message)) writer.end();
			});
		});
	}

	private *snapshots(chat: Chat): Generator<StreamMessage> {
		const { staleSnapshot } = this.settings;
		yield { event: 'chats', data: staleSnapshot ?? this.wire.chat(chat) };
		if (staleSnapshot) return;
		for (const message of chat.messages.slice(-SNAPSHOTS)) {
			yield { event: 'chat_messages', data: this.wire.message(chat, message) };
		}
	}

	private stream(call: Call, start: (writer: StreamWriter) => () => void): Answer {
		const { settings } = this;
		return {
			kind: 'stream',
			open(response, fault) {
				const writer = new StreamWriter(response, {
					format: negotiate(call.headers['accept'], settings.streamFormat),
					sseEvents: settings.sseEvents,
					heartbeatMs: settings.heartbeatMs,
					fault,
					onClose: () => unwatch(),
				});
				writer.open();
				const unwatch = start(writer);
				writer.startHeartbeats();
			},
		};
	}
}
