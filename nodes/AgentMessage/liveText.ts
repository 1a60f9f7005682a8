import type { ChatMessage } from '../client/agents/chat';
import type { TurnObserver } from '../client/agents/turn';
import type { LiveStream } from '../shared/run/liveStream';

/** Between the messages of an answer. */
const GAP = '\n\n';

/** Sends an agent's answer to the caller of a streaming execution while it is being written. */
export class LiveText implements Required<TurnObserver> {
	/** What has been sent of each message. */
	private readonly sent = new Map<string, string>();

	constructor(
		private readonly stream: LiveStream | undefined,
		private readonly itemIndex: number,
	) {
		stream?.send('begin', itemIndex);
	}

	/** Sends what has not been sent. Of a text that is another one now, the end tells the rest. */
	text(messageId: string, text: string): void {
		const before = this.sent.get(messageId) ?? '';
		if (text === before || !text.startsWith(before)) return;
		this.send((before === '' && this.sent.size > 0 ? GAP : '') + text.slice(before.length));
		this.sent.set(messageId, text);
	}

	/** Sends what is missing of the answer, and what has turned out otherwise once more. */
	complete(answers: readonly ChatMessage[]): void {
		for (const { id, text } of answers) {
			if (!text.startsWith(this.sent.get(id) ?? '')) this.sent.set(id, '');
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

	private send(text: string): void {
		this.stream?.send('item', this.itemIndex, text);
	}
}
