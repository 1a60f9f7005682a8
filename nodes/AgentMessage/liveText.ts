import type { ChatMessage } from '../client/agents/chat';
import type { TurnObserver } from '../client/agents/turn';
import type { LiveStream } from '../shared/run/liveStream';
import { SentText } from '../shared/run/sentText';

/** Between the messages of an answer. */
const GAP = '\n\n';

/** Sends an agent's answer to the caller of a streaming execution while it is being written. */
export class LiveText implements Required<TurnObserver> {
	/** What has been sent of each message. */
	private readonly sent = new Map<string, SentText>();

	constructor(
		private readonly stream: LiveStream | undefined,
		private readonly itemIndex: number,
	) {
		stream?.send('begin', itemIndex);
	}

	/** Sends what has not been sent. Of a text that is another one now, the end tells the rest. */
	text(messageId: string, text: string): void {
		this.say(messageId, (sent) => sent.whole(text));
	}

	more(messageId: string, piece: string, text: string): void {
		this.say(messageId, (sent) => sent.more(piece, text));
	}

	/** Sends what is missing of the answer, and what has turned out otherwise once more. */
	complete(answers: readonly ChatMessage[]): void {
		for (const { id, text } of answers) {
			if (this.sent.get(id)?.isBeginningOf(text) === false) this.sent.set(id, new SentText());
			this.text(id, text);
		}
	}

	/** Sends a text of the node's own after the answer; nothing if it is empty. */
	add(text: string): void {
		if (text === '') return;
		this.send((this.sent.size > 0 ? GAP : '') + text);
	}

	end(): void {
		this.stream?.send('end', this.itemIndex);
	}

	private say(messageId: string, next: (sent: SentText) => string): void {
		const sent = this.sent.get(messageId) ?? new SentText();
		const gap = sent.isEmpty && this.sent.size > 0 ? GAP : '';
		const piece = next(sent);
		if (piece === '') return;
		this.send(gap + piece);
		this.sent.set(messageId, sent);
	}

	private send(text: string): void {
		this.stream?.send('item', this.itemIndex, text);
	}
}
