import { DeltaAccumulator, responseText } from '../client/follow/deltas';
import type { TaskObserver } from '../client/tasks/followTask';
import type { Task } from '../client/tasks/task';
import type { JsonObject } from '../client/util/json';
import { SentText } from '../shared/run/sentText';

/** Between a text and another one that has taken its place. */
const GAP = '\n\n';

/**
 * Hands on the text of an answer while it is made. What comes while nobody takes it is joined, so
 * that whoever is slow gets larger pieces, not more of them.
 */
export class AnswerFeed implements Required<TaskObserver> {
	private readonly deltas = new DeltaAccumulator();
	private sent = new SentText();
	/** What nobody has taken yet. */
	private ready = '';
	private streams = 0;
	private over = false;
	private wake = (): void => {};

	changed(task: Task, fields: readonly string[]): void {
		if (!fields.includes('output')) return;
		this.deltas.reset(responseText(task.output) ?? '');
		this.whole(this.deltas.text);
	}

	opened(): void {
		this.streams += 1;
		if (this.streams > 1) this.deltas.resume();
	}

	delta(delta: JsonObject, seq: number | undefined): void {
		const piece = this.deltas.push(delta, seq);
		if (piece !== '') this.add(this.sent.more(piece, this.deltas.text ?? ''));
	}

	/** Takes the whole answer. If it has turned out otherwise than its pieces, it comes once more. */
	complete(text: string): void {
		if (!this.sent.isBeginningOf(text)) {
			this.sent = new SentText();
			this.add(GAP);
		}
		this.whole(text);
	}

	/** Nothing more comes. */
	end(): void {
		this.over = true;
		this.wake();
	}

	/** Waits for the next piece; undefined after the last one. */
	async next(): Promise<string | undefined> {
		if (this.ready === '' && !this.over)
			await new Promise<void>((resolve) => (this.wake = resolve));
		const { ready } = this;
		this.ready = '';
		return ready === '' ? undefined : ready;
	}

	private whole(text: string | undefined): void {
		if (text !== undefined) this.add(this.sent.whole(text));
	}

	private add(piece: string): void {
		this.ready += piece;
		if (piece !== '') this.wake();
	}
}
