import type { IDataObject } from 'n8n-workflow';
import { asData } from '../shared/output/items';
import type { LiveStream } from '../shared/run/liveStream';
import { SentText } from '../shared/run/sentText';
import type { FeedListener, Update } from './taskFeed';

/** In what form a caller gets updates live. */
export type StreamAs = 'text' | 'json' | 'off';

/** What the caller of a streaming execution gets of one item while its task is running. */
export class LiveItem implements FeedListener {
	private stream: LiveStream | undefined;
	/** The answer's text as far as it has been sent. */
	private sent = new SentText();
	/** A task that answers in words does not send its logs. */
	private speaks = false;
	/** Nothing has been sent since the beginning. */
	private empty = true;

	constructor(
		private readonly as: StreamAs,
		private readonly itemIndex: number,
	) {}

	/** Begins, or goes on in a further try, which has a stream of its own. */
	begin(stream: LiveStream | undefined): void {
		this.stream = this.as === 'off' ? undefined : stream;
		this.send('begin');
		this.empty = true;
	}

	/** Another task takes the place of one that has failed: nothing of it has been sent. */
	restart(): void {
		this.sent = new SentText();
		this.speaks = false;
		if (this.empty) return;
		this.end();
		this.begin(this.stream);
	}

	end(): void {
		this.send('end');
	}

	update(update: Update): void {
		if (this.as === 'json') this.send('item', asData({ ...update }));
	}

	/** Sends what has not been sent, and nothing if the text is another one now. */
	text(text: string): void {
		if (this.as !== 'text') return;
		this.speaks ||= this.sent.isBeginningOf(text);
		this.say(this.sent.whole(text));
	}

	more(piece: string, text: string): void {
		if (this.as !== 'text') return;
		this.speaks = true;
		this.say(this.sent.more(piece, text));
	}

	lines(lines: readonly string[]): void {
		if (this.as === 'text' && !this.speaks) this.send('item', `${lines.join('\n')}\n`);
	}

	private say(piece: string): void {
		if (piece !== '') this.send('item', piece);
	}

	private send(type: 'begin' | 'item' | 'end', content?: string | IDataObject): void {
		this.empty = false;
		this.stream?.send(type, this.itemIndex, content);
	}
}
