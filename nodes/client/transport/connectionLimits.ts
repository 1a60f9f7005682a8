import { monotonicNow } from '../util/clock';
import { timerFor } from '../util/deadline';
import type { Release } from '../util/keyedQueue';
import { outcomeOf } from '../util/outcome';
import { Slots } from '../util/slots';
import { givenUp, isOutOfHandles, isStream, type TransportRequest } from './transport';

/** Connections to one origin that are in use at once, for what is soon over. */
const MOST_REQUESTS = 100;
/** The same for cancelling, which thus never waits for anything else. */
const MOST_CANCELS = 50;
/** Streams of tasks and chats that are open at once, in this process. */
const MOST_STREAMS = 200;
/** Files that are on their way at once, in this process. */
const MOST_TRANSFERS = 100;

/** How long a request waits for a file handle, ms: others in this process may have them all. */
const PATIENCE_MS = 120_000;
/** Wait before it is tried again, ms, and what chance adds to it. */
const NEXT_TRY_MS = 50;
const NEXT_TRY_SPREAD_MS = 200;
/** For how long it counts that there were no file handles, ms. */
const REMEMBERED_MS = 60_000;

/**
 * How many connections this process has at once. Each takes a file handle; some machines give a
 * process few, and n8n needs them, too (docs/decisions/0011-bounded-connections.md).
 */
class ConnectionLimits {
	/** For streams; whoever gets no place polls meanwhile. */
	readonly streams = new Slots();
	readonly transfers = new Slots();
	private readonly requests = new Map<string, Slots>();
	private readonly cancels = new Map<string, Slots>();
	/** What closes the streams that are open, the one that was opened last at the end. */
	private readonly openStreams = new Set<() => void>();
	private shortages = 0;

	constructor() {
		this.forgetShortages();
	}

	/** Where what is soon over waits for its turn; undefined if a place was taken for it before. */
	queueOf(origin: string, { purpose = 'request' }: TransportRequest): Slots | undefined {
		if (purpose === 'stream' || purpose === 'transfer') return undefined;
		const queues = purpose === 'request' ? this.requests : this.cancels;
		const known = queues.get(origin);
		if (known) return known;
		for (const [other, slots] of queues) if (slots.unused) queues.delete(other);
		const queue = new Slots(purpose === 'request' ? MOST_REQUESTS : MOST_CANCELS);
		queues.set(origin, queue);
		return queue;
	}

	/**
	 * A stream has opened.
	 *
	 * @param close closes it, if its handle is needed more by something else
	 * @returns to be called when it is over
	 */
	streamOpened(close: () => void): () => void {
		this.openStreams.add(close);
		return () => this.openStreams.delete(close);
	}

	/**
	 * There was no file handle for a connection. Streams get half of those that there are: if there are
	 * more of them, one makes room, and its task is polled. Else it is waited for others.
	 */
	makeRoom(origin: string, request: TransportRequest): void {
		this.rememberShortage();
		const { openStreams, streams } = this;
		const open = openStreams.size;
		if (request.purpose === 'stream') {
			const requests = this.requests.get(origin)?.taken ?? 0;
			return streams.limitTo(Math.max(1, Math.floor((open + requests) / 2)));
		}
		const places = this.queueOf(origin, request) ?? this.transfers;
		if (open <= places.taken) return places.limitTo(Math.max(1, places.taken));
		streams.limitTo(Math.max(1, open - 1));
		[...openStreams].at(-1)?.();
	}

	private rememberShortage(): void {
		const shortages = ++this.shortages;
		timerFor(REMEMBERED_MS).addEventListener('abort', () => {
			if (shortages === this.shortages) this.forgetShortages();
		});
	}

	private forgetShortages(): void {
		this.streams.limitTo(MOST_STREAMS);
		this.transfers.limitTo(MOST_TRANSFERS);
		for (const slots of this.requests.values()) slots.limitTo(MOST_REQUESTS);
		for (const slots of this.cancels.values()) slots.limitTo(MOST_CANCELS);
	}
}

export const connectionLimits = new ConnectionLimits();

/** A place that need not be given back: whoever sends the request has taken one. */
const NO_PLACE: Release = () => {};

/** A place for a request's connection, if it need not wait for one. */
export function placeNow(origin: string, request: TransportRequest): Release | undefined {
	const queue = connectionLimits.queueOf(origin, request);
	return queue ? queue.tryTake() : NO_PLACE;
}

/**
 * Sends a request as soon as there is a place for its connection, and again as long as it lacks
 * nothing but a file handle; streams are not sent again.
 *
 * @param send sends it once; gives the place back as soon as its connection is free, or fails
 * @throws what `send` throws; what `givenUp` gives
 */
export async function inTurn<T>(
	origin: string,
	request: TransportRequest,
	send: (place: Release) => Promise<T>,
): Promise<T> {
	const attempt = async (): Promise<T> => {
		const queue = connectionLimits.queueOf(origin, request);
		const place = queue ? (queue.tryTake() ?? (await placeIn(queue, request))) : NO_PLACE;
		const sent = await outcomeOf(send(place));
		if (sent.ok) return sent.value;
		place();
		if (isOutOfHandles(sent.error)) connectionLimits.makeRoom(origin, request);
		throw sent.error;
	};
	const isOnce = request.purpose === 'stream' || isStream(request.body);
	return isOnce ? await attempt() : await untilHandles(attempt, request);
}

/**
 * Tries something again as long as it lacks nothing but a file handle.
 *
 * @throws what it fails with otherwise, or for too long; what `givenUp` gives
 */
export async function untilHandles<T>(attempt: () => Promise<T>, request: Waiting): Promise<T> {
	for (const began = monotonicNow(); ; ) {
		const tried = await outcomeOf(attempt());
		if (tried.ok) return tried.value;
		const isLate = monotonicNow() - began > PATIENCE_MS;
		if (isLate || !isOutOfHandles(tried.error)) throw tried.error;
		await pause(request);
	}
}

type Waiting = Pick<TransportRequest, 'signal' | 'graceMs'>;

async function placeIn(queue: Slots, request: Waiting): Promise<Release> {
	const taken = await outcomeOf(queue.take(request.signal));
	if (taken.ok) return taken.value;
	throw givenUp(request);
}

async function pause(request: Waiting): Promise<void> {
	const { signal } = request;
	const wait = timerFor(NEXT_TRY_MS + Math.random() * NEXT_TRY_SPREAD_MS, 10);
	await new Promise<void>((resolve, reject) => {
		const leave = () => {
			wait.removeEventListener('abort', goOn);
			reject(givenUp(request));
		};
		const goOn = () => {
			signal.removeEventListener('abort', leave);
			resolve();
		};
		if (signal.aborted) return leave();
		wait.addEventListener('abort', goOn);
		signal.addEventListener('abort', leave);
	});
}
