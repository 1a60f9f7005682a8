import type { Api } from '../api/api';
import { isPage, wordsOfPage } from '../api/problem';
import type { AnswerHeaders } from '../transport/headers';
import type { Clock } from '../util/clock';
import { asError } from '../util/errorMessage';
import type { Deadline } from '../util/deadline';
import {
	NetworkError,
	NotFoundError,
	PermissionError,
	ProtocolError,
	ServerError,
	StoppedError,
	ValidationError,
	type InferenceError,
} from '../errors';
import type { QuietStream, QuietWatch } from '../util/quietWatch';
import type { RetryContext } from '../api/retry';
import { rateLimitReset, requestedDelay } from '../api/retryTiming';
import type { Timings } from '../settings';
import { connectionLimits } from '../transport/connectionLimits';
import type { CancelSignal } from '../util/cancelSignal';
import { isPublicHost, NotPublicError } from '../transport/publicHosts';
import { TransportError, type Readable, type Transport } from '../transport/transport';

/** What moving files needs. */
export interface TransferContext extends RetryContext {
	readonly api: Api;
	/** Without the key: files are moved to and from hosts that must not see it. */
	readonly transport: Transport;
	readonly timings: Timings;
	readonly quiet: QuietWatch;
	/** Where the service is. */
	readonly baseUrl: string;
}

/**
 * Whether a transfer may lead to public hosts only. What an app's output names is not fetched from
 * the network of this n8n, unless the service is there itself; the service itself may be anywhere.
 */
export function isForPublicHosts(url: string, { baseUrl }: TransferContext): boolean {
	const base = new URL(baseUrl);
	return isPublicHost(base.hostname) && new URL(url).origin !== base.origin;
}

/**
 * Moves a file when there is a place for it.
 *
 * @throws what `job` throws; the abort reason of `signal`
 */
export async function inTransfers<T>(signal: CancelSignal, job: () => Promise<T>): Promise<T> {
	const { transfers } = connectionLimits;
	const leave = transfers.tryTake() ?? (await transfers.take(signal));
	try {
		return await job();
	} finally {
		leave();
	}
}

export interface StreamWatchOptions {
	/** What the stream's request runs under; aborted when the stream breaks off or is not needed. */
	readonly scope: Deadline;
	readonly clock: Clock;
	readonly quiet: QuietWatch;
	/** Longest time without a byte, ms. */
	readonly silenceMs: number;
	/** Bytes that have to come, no less and no more; undefined if nobody knows. */
	readonly size?: number | undefined;
	/** Told how many bytes have been read. */
	onBytes?(total: number): void;
}

/**
 * Watches a stream while somebody else reads it, at their pace, and breaks it off when it falls
 * silent, has another length than it should have, or the signal aborts.
 */
export class StreamWatch implements Disposable {
	/** Why the stream broke off. */
	failure: Error | undefined;
	private bytes = 0;
	private lastByteAt: number;
	private readonly silence: QuietStream;

	constructor(
		private readonly stream: Readable,
		private readonly options: StreamWatchOptions,
	) {
		const { clock, scope, silenceMs, quiet, size } = options;
		this.lastByteAt = clock.now();
		this.silence = {
			isQuiet: (now) => now - this.lastByteAt >= silenceMs,
			onQuiet: () => this.end(new TransportError('no more bytes came', true, undefined)),
		};
		stream.on('error', (error) => this.end(error));
		stream.on('end', () => {
			quiet.remove(this.silence);
			if (size !== undefined && this.bytes !== size) this.end(this.wrongLength(size));
		});
		stream.on('newListener', this.onListener);
		quiet.add(this.silence);
		scope.signal.addEventListener('abort', this.onAbort);
		if (scope.signal.aborted) this.onAbort();
	}

	/** Breaks the stream off. */
	end(reason: Error): void {
		this.failure ??= reason;
		this.stream.destroy(reason);
		this.options.scope.abort(new StoppedError(reason.message));
	}

	[Symbol.dispose](): void {
		const { scope, quiet } = this.options;
		scope.signal.removeEventListener('abort', this.onAbort);
		quiet.remove(this.silence);
		if (this.stream.readableEnded) return;
		this.stream.destroy();
		scope.abort(new StoppedError('the rest is not needed'));
	}

	/** A listener for data sets a stream flowing, so ours waits until the reader's own is there. */
	private readonly onListener = (event: string | symbol): void => {
		if (event !== 'data' && event !== 'readable') return;
		this.stream.off('newListener', this.onListener);
		this.stream.on('data', (chunk: Uint8Array) => {
			const { clock, size, onBytes } = this.options;
			this.bytes += chunk.byteLength;
			this.lastByteAt = clock.now();
			if (size !== undefined && this.bytes > size) this.end(this.wrongLength(size));
			onBytes?.(this.bytes);
		});
	};

	private wrongLength(size: number): TransportError {
		const held = `${this.bytes} bytes came instead of ${size}`;
		return new TransportError(held, true, undefined);
	}

	private readonly onAbort = (): void => {
		const { reason } = this.options.scope.signal;
		this.end(asError(reason));
	};
}

/** The error for a transfer that got no answer, or whose answer broke off. */
export function transferBroken(what: string, error: TransportError): InferenceError {
	const { message, mayHaveArrived, cause } = error;
	if (error instanceof NotPublicError)
		return new ValidationError(`${what} was refused: ${message}`);
	return new NetworkError(`${what} failed: ${message}`, {
		mayHaveBeenAccepted: mayHaveArrived,
		cause,
	});
}

/**
 * The error for a refusal by whoever keeps the files. It is never a rate limit of the service, even
 * at HTTP 429: only this transfer has to wait.
 */
export function transferRefused(
	what: string,
	answer: { readonly status: number; readonly headers: AnswerHeaders },
	text: string,
	clock: Clock,
): InferenceError {
	const { status: httpStatus } = answer;
	const words = isPage(text) ? wordsOfPage(text) : text;
	const said = (/<Message>([^<]+)/.exec(text)?.[1] ?? words).trim().slice(0, 200);
	const message = `${what} was refused with HTTP ${httpStatus}${said === '' ? '' : `: ${said}`}`;
	const facts = { httpStatus };
	if (httpStatus >= 500 || [408, 425, 429].includes(httpStatus)) {
		const { headers } = answer;
		const now = clock.now();
		const reset = httpStatus === 429 ? rateLimitReset(headers, now) : undefined;
		const retryAfterMs = requestedDelay(headers, now) ?? reset;
		return new ServerError(message, { ...facts, retryAfterMs, mayHaveBeenAccepted: true });
	}
	if (httpStatus === 403) return new PermissionError(message, facts);
	if (httpStatus === 404 || httpStatus === 410) return new NotFoundError(message, facts);
	if (httpStatus >= 400) return new ValidationError(message, facts);
	return new ProtocolError(message, facts);
}
