import type { CancelSignal } from '../util/cancelSignal';
import { timerFor } from '../util/deadline';
import { asError } from '../util/errorMessage';
import { proxyRefusal, type Undici } from './connect';
import { connectionLimits } from './connectionLimits';
import type { PooledConnection } from './connectionPool';
import { headersOf, WireHeaders, type AnswerHeaders, type HeaderValues } from './headers';
import {
	asTransportError,
	givenUpUnsent,
	MadeRoomError,
	isStream,
	NO_ANSWER,
	NOT_CONNECTED,
	TransportError,
	type BodyReader,
	type ResponseBody,
	type TransportRequest,
	type TransportResponse,
} from './transport';

/** How the wait for an answer's head ends. */
export interface Waiting {
	resolve(answer: UndiciAnswer): void;
	reject(reason: unknown): void;
}

/**
 * The answer to one request, put together by what undici's dispatcher tells. It spares the stream
 * object that `undici.request` makes for each answer: most answers arrive in one piece. These are
 * the methods that undici 6 knows, and the quicker ones of undici 7.
 */
export class UndiciAnswer implements TransportResponse, ResponseBody {
	status = 0;
	headers: AnswerHeaders = NO_HEADERS;
	private reader: BodyReader | undefined;
	/** Pieces that arrived before anybody read. */
	private early: Uint8Array[] = [];
	private ending: { readonly error?: Error } | undefined;
	/** Whether the request has been handed to a connection that was established, TLS included. */
	private handedOver = false;
	private readonly limit: CancelSignal;
	private streamIsOver = () => {};

	/** @param connection what the request is sent over, and nothing else until it is over */
	constructor(
		private readonly waiting: Waiting,
		private readonly request: TransportRequest,
		private readonly connection: PooledConnection,
	) {
		this.limit = timerFor(request.headersTimeoutMs);
		this.limit.addEventListener('abort', this.onLimit);
		request.signal.addEventListener('abort', this.onAbort);
	}

	get body(): ResponseBody {
		return this;
	}

	read(reader: BodyReader): void {
		this.reader = reader;
		const { early } = this;
		this.early = [];
		for (const piece of early) this.reader?.piece(piece);
		if (this.ending) this.tellEnd(this.ending.error);
	}

	destroy(): void {
		this.reader = undefined;
		this.close(new Error('the answer is not needed any more'));
	}

	onConnect(): void {
		this.handedOver = true;
		// How long it takes to send a stream nobody knows; from here on undici has the limit.
		if (isStream(this.request.body)) this.limit.removeEventListener('abort', this.onLimit);
	}

	onHeaders(status: number, headers: readonly Uint8Array[]): boolean {
		this.head(status, new WireHeaders(headers));
		return true;
	}

	onData(chunk: Uint8Array): boolean {
		if (this.reader) this.reader.piece(chunk);
		else if (!this.connection.client.destroyed) this.early.push(chunk);
		return true;
	}

	onComplete(): void {
		this.end();
	}

	onError(error: Error): void {
		this.end(error);
	}

	/** Interim answers (1xx) are none. */
	protected head(status: number, headers: AnswerHeaders): void {
		if (status < 200) return;
		if (status === PROXY_LOGIN) return this.giveUp(proxyRefusal(status));
		this.status = status;
		this.headers = headers;
		this.limit.removeEventListener('abort', this.onLimit);
		if (this.request.purpose === 'stream') {
			this.streamIsOver = connectionLimits.streamOpened(() => this.close(new MadeRoomError()));
		}
		this.waiting.resolve(this);
	}

	private end(error?: Error): void {
		if (this.ending) return;
		this.ending = error ? { error } : {};
		this.request.signal.removeEventListener('abort', this.onAbort);
		this.limit.removeEventListener('abort', this.onLimit);
		this.streamIsOver();
		if (error) this.connection.drop(error);
		else this.connection.giveBack();
		if (this.status === 0 && error) this.waiting.reject(asTransportError(error, this.handedOver));
		if (this.reader) this.tellEnd(error);
	}

	private tellEnd(error: Error | undefined): void {
		const { reader } = this;
		this.reader = undefined;
		if (error) reader?.fail(asTransportError(error));
		else reader?.end();
	}

	private readonly onLimit = (): void => {
		const { handedOver } = this;
		const what = handedOver ? NO_ANSWER : NOT_CONNECTED;
		this.giveUp(new TransportError(what, handedOver, undefined));
	};

	private readonly onAbort = (): void => {
		const { graceMs = 0, signal } = this.request;
		const { reason } = signal;
		if (graceMs === 0) return this.giveUp(reason);
		if (this.handedOver) {
			return timerFor(graceMs).addEventListener('abort', () => this.giveUp(reason));
		}
		// Without a connection there is no answer to wait for, and nothing may be sent any more.
		this.giveUp(givenUpUnsent(reason));
	};

	private giveUp(reason: unknown): void {
		if (this.ending) return;
		if (this.status === 0) this.waiting.reject(reason);
		this.close(asError(reason));
	}

	/** undici tells of it as of an error. */
	private close(reason: Error): void {
		if (!this.ending) this.connection.drop(reason);
	}
}

/** Only proxies ask for it. */
const PROXY_LOGIN = 407;
const NO_HEADERS = new WireHeaders([]);

/** The same by the methods of undici 8, the only ones it knows. undici 7 has them, too. */
class ControlledAnswer extends UndiciAnswer {
	onRequestStart(): void {
		this.onConnect();
	}

	onResponseStart(_controller: unknown, status: number, headers: HeaderValues): void {
		this.head(status, headersOf(headers));
	}

	onResponseData(_controller: unknown, chunk: Uint8Array): void {
		this.onData(chunk);
	}

	onResponseEnd(): void {
		this.onComplete();
	}

	onResponseError(_controller: unknown, error: Error): void {
		this.onError(error);
	}
}

/**
 * The kind of answer that an undici takes. Its version does not tell for how long it knows the older
 * methods, so it is asked, by a connection that is closed already.
 */
export function answersFor({ Client }: Undici): typeof UndiciAnswer {
	const client = new Client('http://127.0.0.1');
	void client.destroy();
	let isTold = false;
	const ignore = () => {};
	const takeNothing = () => false;
	try {
		client.dispatch(
			{ path: '/', method: 'GET' },
			{
				onConnect: ignore,
				onHeaders: takeNothing,
				onData: takeNothing,
				onComplete: ignore,
				onError: () => (isTold = true),
			},
		);
	} catch {
		// It misses the newer ones.
	}
	return isTold ? UndiciAnswer : ControlledAnswer;
}
