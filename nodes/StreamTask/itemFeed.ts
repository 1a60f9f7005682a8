import type { TaskObserver } from '../client/tasks/followTask';
import type { JsonObject } from '../client/util/json';
import type { Task } from '../client/tasks/task';
import type { LiveStream } from '../shared/run/liveStream';
import { LiveItem, type StreamAs } from './liveItem';
import { TaskFeed, type FeedListener, type FeedOptions, type Update } from './taskFeed';

export interface ItemFeedOptions extends FeedOptions {
	/** Updates that are kept, the newest; 0 for all. */
	readonly maxUpdates: number;
	readonly streamAs: StreamAs;
}

/** An update with its place among those of all items. */
export interface PlacedUpdate {
	readonly order: number;
	readonly itemIndex: number;
	readonly update: Update;
}

/** Follows what goes on for one item: usually one task, more if failed ones are repeated. */
export class ItemFeed implements Required<TaskObserver>, FeedListener {
	/** The newest updates. */
	readonly updates: PlacedUpdate[] = [];
	/** Updates that did not fit. */
	dropped = 0;
	private current: TaskFeed | undefined;
	private readonly live: LiveItem;

	constructor(
		private readonly itemIndex: number,
		private readonly options: ItemFeedOptions,
		/** Gives the next place among the updates of all items. */
		private readonly nextOrder: () => number,
	) {
		this.live = new LiveItem(options.streamAs, itemIndex);
	}

	/** Begins a try. */
	begin(stream: LiveStream | undefined): void {
		this.live.begin(stream);
	}

	/** Turns to the item's task; to the one that is followed already, it changes nothing. */
	start(task: Task): void {
		if (this.current?.id === task.id) return;
		this.current?.end();
		if (this.current) this.live.restart();
		this.current = new TaskFeed(task, this.options, this);
	}

	/** Takes the task as it is at its end. */
	complete(task: Task): void {
		this.current?.changed(task, Object.keys(task.wire));
		this.current?.end();
	}

	/** Ends a try, however it went. */
	end(): void {
		this.current?.end();
		this.live.end();
	}

	changed(task: Task, fields: readonly string[]): void {
		this.current?.changed(task, fields);
	}

	opened(): void {
		this.current?.opened();
	}

	delta(delta: JsonObject, seq: number | undefined): void {
		this.current?.delta(delta, seq);
	}

	update(update: Update): void {
		const { maxUpdates } = this.options;
		this.updates.push({ order: this.nextOrder(), itemIndex: this.itemIndex, update });
		if (maxUpdates > 0 && this.updates.length > maxUpdates) {
			this.updates.shift();
			this.dropped += 1;
		}
		this.live.update(update);
	}

	text(text: string): void {
		this.live.text(text);
	}

	more(piece: string, text: string): void {
		this.live.more(piece, text);
	}

	lines(lines: readonly string[]): void {
		this.live.lines(lines);
	}
}
