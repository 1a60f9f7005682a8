import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { systemClock } from '../../client/util/clock';
import { Deadline } from '../../client/util/deadline';
import { StoppedError } from '../../client/errors';
import { outcomeOf } from '../../client/util/outcome';

/** What a chunk does; n8n's `sendChunk` knows these. */
type ChunkType = 'begin' | 'item' | 'end';

interface Chunk {
	readonly type: ChunkType;
	readonly itemIndex: number;
	content: string | IDataObject | undefined;
}

/** Chunks still on their way at the end of a run are waited for this long. */
const FLUSH_MS = 5_000;

/**
 * Sends chunks to whoever called a streaming execution, one after another. As long as one is on
 * its way, text for the same item gathers into one chunk. Never fails: that the caller has gone
 * does not concern the tasks.
 */
export class LiveStream {
	private readonly queue: Chunk[] = [];
	/** For each item the chunk that further text can join. */
	private readonly open = new Map<number, Chunk>();
	private sending: Promise<void> | undefined;
	/** Whether the caller gets anything to read. */
	hasSpoken = false;

	private constructor(private readonly context: IExecuteFunctions) {}

	/** The stream to the caller of an execution; undefined if it has none, or n8n is too old. */
	static to(context: IExecuteFunctions): LiveStream | undefined {
		const { isStreaming }: Partial<IExecuteFunctions> = context;
		return isStreaming?.call(context) === true ? new LiveStream(context) : undefined;
	}

	/** Sends a chunk as soon as those before it are sent. */
	send(type: ChunkType, itemIndex: number, content?: string | IDataObject): void {
		this.hasSpoken ||= type === 'item';
		const joined = this.open.get(itemIndex);
		if (type === 'item' && typeof content === 'string' && typeof joined?.content === 'string') {
			joined.content += content;
			return;
		}
		const chunk: Chunk = { type, itemIndex, content };
		this.queue.push(chunk);
		this.open.set(itemIndex, chunk);
		this.sending ??= this.drain();
	}

	/** Waits until everything has been sent, but not long, and not after a Stop. */
	async flush(): Promise<void> {
		if (!this.sending) return;
		using scope = new Deadline(this.context.getExecutionCancelSignal());
		await Promise.race([this.sending, outcomeOf(systemClock.delay(FLUSH_MS, scope.signal))]);
		scope.abort(new StoppedError('everything has been sent'));
	}

	private async drain(): Promise<void> {
		for (let chunk = this.queue.shift(); chunk; chunk = this.queue.shift()) {
			if (this.open.get(chunk.itemIndex) === chunk) this.open.delete(chunk.itemIndex);
			await outcomeOf(this.tell(chunk));
		}
		this.sending = undefined;
	}

	/** `sendChunk` is declared to return nothing, but in n8n it is a promise that may reject. */
	private async tell({ type, itemIndex, content }: Chunk): Promise<void> {
		await this.context.sendChunk(type, itemIndex, content);
	}
}
