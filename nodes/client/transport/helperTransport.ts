import type { IHttpRequestOptions, IN8nHttpFullResponse } from 'n8n-workflow';
import { monotonicNow } from '../util/clock';
import { Grace, timerFor } from '../util/deadline';
import { messageOf } from '../util/errorMessage';
import { isJsonObject } from '../util/json';
import type { Release } from '../util/keyedQueue';
import { outcomeOf } from '../util/outcome';
import { connectionLimits, inTurn } from './connectionLimits';
import { headersOf } from './headers';
import { isPublicAddress, mustBePublic, NotPublicError } from './publicHosts';
import {
	asTransportError,
	givenUpUnsent,
	isStream,
	MadeRoomError,
	NO_ANSWER,
	TransportError,
	type BodyReader,
	type ResponseBody,
	type StreamedResponse,
	type Transport,
	type TransportRequest,
	type TransportResponse,
} from './transport';

/** n8n's `this.helpers.httpRequest`. */
export type HttpRequestHelper = (options: IHttpRequestOptions) => Promise<unknown>;

function isFullResponse(value: unknown): value is IN8nHttpFullResponse {
	return typeof value === 'object' && value !== null && 'statusCode' in value && 'headers' in value;
}

/**
 * After an abort, how long an answer is waited for. The helper does not tell whether there is a
 * connection yet, and what is not connected must not be sent any more; what has been sent can be
 * looked for.
 */
const BLIND_GRACE_MS = 1_000;

/** The helper is slow to notice some ends, and never notices an answer that changes the protocol (101). */
const LAST_RESORT_MS = 500;

/**
 * Whether a failed request may have been written to its socket, as far as the error's own request
 * shows it; undefined if it does not.
 */
function mayHaveLeft(error: unknown): boolean | undefined {
	const request = isJsonObject(error) ? error['request'] : undefined;
	if (!isJsonObject(request)) return undefined;
	const inner = request['_currentRequest'];
	const { socket } = isJsonObject(inner) ? inner : request;
	// It gets one when the tunnel through a proxy is there.
	if (socket === null) return false;
	if (!isJsonObject(socket)) return undefined;
	const { secureConnecting, _bytesDispatched: written } = socket;
	if (typeof secureConnecting === 'boolean') return !secureConnecting;
	return written === 0 ? false : undefined;
}

/** For the helper: hosts differ in whether it goes on counting after the head of the answer. */
function timeoutOf({ headersTimeoutMs, silenceMs }: TransportRequest): number {
	return Math.max(headersTimeoutMs, silenceMs);
}

/** An error without what the helper hangs on it: the whole request, the API key among it. */
function withoutRequest(error: unknown): Error {
	const bare = new Error(messageOf(error));
	const code = isJsonObject(error) ? error['code'] : undefined;
	return Object.assign(bare, { code });
}

/** What a request has failed with: the reason of its abort, or a TransportError. */
function failureOf(error: unknown, { graceMs }: TransportRequest, signal: AbortSignal): unknown {
	const left = mayHaveLeft(error);
	const bare = withoutRequest(error);
	if (signal.aborted && graceMs && left === false) {
		return givenUpUnsent(bare);
	}
	if (signal.aborted) return signal.reason;
	const { message, mayHaveArrived } = asTransportError(error, left);
	return new TransportError(message, mayHaveArrived, bare);
}

/**
 * The address that an answer has come from, as far as its stream shows it. A proxy looks names up by
 * itself, and the address is its own then.
 */
function originOf(stream: object): unknown {
	const request: unknown = Reflect.get(stream, 'req');
	const socket: unknown = Reflect.get(stream, 'socket');
	if (!isJsonObject(request) || !isJsonObject(socket)) return undefined;
	const isProxied = /^https?:/.test(String(request['path'])) || isJsonObject(socket['_parent']);
	return isProxied ? undefined : socket['remoteAddress'];
}

/** The part of a Node.js stream that is used. */
interface ReadableStream {
	on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
	on(event: 'end' | 'close', listener: () => void): unknown;
	on(event: 'error', listener: (error: Error) => void): unknown;
	destroy(error?: Error): unknown;
}

/** A Node.js stream as the body of an answer. */
export class StreamBody implements ResponseBody {
	private reader: BodyReader | undefined;
	private ending: { readonly error?: Error } | undefined;
	private flowing = false;
	private lastPieceAt = 0;
	private unwatch = () => {};

	/**
	 * @param silenceMs longest silence; what stays silent for longer has broken off
	 * @param drop closes the connection
	 */
	constructor(
		private readonly stream: ReadableStream,
		private readonly silenceMs: number,
		private readonly drop: () => void = () => stream.destroy(),
	) {
		stream.on('error', (error) => this.finish(error));
		stream.on('end', () => this.finish());
		stream.on('close', () => this.finish(new Error('the answer broke off')));
	}

	read(reader: BodyReader): void {
		this.reader = reader;
		if (this.ending) this.tellEnd(this.ending.error);
		if (this.flowing) return;
		this.flowing = true;
		this.lastPieceAt = monotonicNow();
		this.watch(this.silenceMs);
		this.stream.on('data', (chunk) => {
			this.lastPieceAt = monotonicNow();
			this.reader?.piece(chunk);
		});
	}

	destroy(): void {
		this.reader = undefined;
		this.drop();
	}

	private watch(ms: number): void {
		const timer = timerFor(ms);
		const look = () => {
			const left = this.lastPieceAt + this.silenceMs - monotonicNow();
			if (left > 0) return this.watch(Math.min(left, this.silenceMs));
			this.finish(new TransportError('the answer stopped arriving', true, undefined));
			this.drop();
		};
		timer.addEventListener('abort', look);
		this.unwatch = () => timer.removeEventListener('abort', look);
	}

	private finish(error?: Error): void {
		if (this.ending) return;
		this.unwatch();
		this.ending = error ? { error } : {};
		this.tellEnd(error);
	}

	private tellEnd(error: Error | undefined): void {
		const { reader } = this;
		this.reader = undefined;
		if (error) reader?.fail(asTransportError(error));
		else reader?.end();
	}
}

interface DroppableResponse extends StreamedResponse {
	/**
	 * Closes the connection. To destroy the stream is not enough: the helper wraps the answer so that
	 * it would wait for a further piece first.
	 */
	drop(): void;
}

/**
 * Requests over n8n's own HTTP helper, for hosts without undici. It opens a connection for each
 * request, and its `timeout` need not be a limit on silence once the head of an answer is there.
 */
export class HelperTransport implements Transport {
	readonly name = 'helper';

	constructor(private readonly httpRequest: HttpRequestHelper) {}

	async request(request: TransportRequest): Promise<TransportResponse> {
		const { status, headers, stream, drop } = await this.begin(request);
		if (request.purpose === 'stream') {
			const closed = connectionLimits.streamOpened(() => {
				stream.destroy(new MadeRoomError());
				drop();
			});
			stream.on('close', closed);
		}
		return { status, headers, body: new StreamBody(stream, request.silenceMs, drop) };
	}

	async open(request: TransportRequest): Promise<StreamedResponse> {
		const { status, headers, stream } = await this.begin(request);
		return { status, headers, stream };
	}

	private async begin(request: TransportRequest): Promise<DroppableResponse> {
		const { signal, url, publicOnly } = request;
		signal.throwIfAborted();
		if (publicOnly) mustBePublic(url);
		const { origin } = new URL(url);
		return await inTurn(origin, request, async (place) => await this.beginOnce(request, place));
	}

	private async beginOnce(request: TransportRequest, place: Release): Promise<DroppableResponse> {
		const { graceMs, publicOnly } = request;
		const grace = graceMs
			? new Grace(request.signal, Math.min(graceMs, BLIND_GRACE_MS))
			: undefined;
		const { signal } = grace ?? request;
		const controller = new AbortController();
		const abort = () => controller.abort(signal.reason);
		signal.addEventListener('abort', abort);
		const limit = timerFor(timeoutOf(request) + LAST_RESORT_MS);
		const giveUp = () => controller.abort(new TransportError(NO_ANSWER, true, undefined));
		// How long it takes to send a stream nobody knows.
		if (!isStream(request.body)) limit.addEventListener('abort', giveUp);
		const leave = () => {
			signal.removeEventListener('abort', abort);
			grace?.[Symbol.dispose]();
			place();
		};
		const sent = await outcomeOf(this.send(request, controller.signal));
		limit.removeEventListener('abort', giveUp);
		const response = sent.ok ? sent.value : undefined;
		if (!isFullResponse(response) || !isStream(response.body)) {
			leave();
			if (!sent.ok) throw sent.error;
			throw new TransportError('the HTTP helper of n8n gave no streamed answer', true, undefined);
		}
		const { body: stream } = response;
		// An error that nobody listens to any more would end the process.
		stream.on('error', () => {});
		controller.signal.addEventListener('abort', () => stream.destroy());
		stream.on('close', leave);
		const address = originOf(stream);
		if (publicOnly && typeof address === 'string' && !isPublicAddress(address)) {
			const refused = new NotPublicError();
			leave();
			controller.abort(refused);
			throw refused;
		}
		return {
			status: response.statusCode,
			headers: headersOf({ ...response.headers }),
			stream,
			drop: () => {
				leave();
				controller.abort(new Error('the answer is not needed any more'));
			},
		};
	}

	private async send(request: TransportRequest, abortSignal: AbortSignal): Promise<unknown> {
		try {
			return await this.httpRequest({
				method: request.method,
				url: request.url,
				headers: { ...request.headers },
				...(request.body === undefined ? {} : { body: request.body }),
				encoding: 'stream',
				returnFullResponse: true,
				ignoreHttpStatusErrors: true,
				disableFollowRedirect: true,
				timeout: timeoutOf(request),
				abortSignal,
			});
		} catch (error) {
			throw failureOf(error, request, abortSignal);
		}
	}
}
