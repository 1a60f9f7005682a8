import type { CancelSignal } from '../util/cancelSignal';
import { timerFor } from '../util/deadline';
import { flatHeaders, headersFromPairs, type HeaderValues } from './headers';
import {
	asTransportError,
	TransportError,
	type BodyReader,
	type ResponseBody,
	type TransportResponse,
} from './transport';

/** What undici 7 and 8 hand to a handler to steer its request. */
interface Controller {
	abort(reason: Error): void;
}

/** How the wait for an answer's head ends. */
interface Waiting {
	resolve(answer: UndiciAnswer): void;
	reject(reason: unknown): void;
}

/**
 * The answer to one request, put together by what undici's dispatcher tells. It spares the stream
 * object that `undici.request` makes for each answer: most answers arrive in one piece. undici 8
 * knows only the methods that begin with `onRequest` and `onResponse`, undici 6 only the others.
 */
export class UndiciAnswer implements TransportResponse, ResponseBody {
	status = 0;
	private rawHeaders: HeaderValues | readonly Uint8Array[] = [];
	private reader: BodyReader | undefined;
	/** Pieces that arrived before anybody read. */
	private early: Uint8Array[] = [];
	private ending: { readonly error?: Error } | undefined;
	private stop: ((reason: Error) => void) | undefined;
	private stopReason: Error | undefined;
	/** Ends the limit on the wait for a connection. */
	private connected: (() => void) | undefined;

	constructor(
		private readonly waiting: Waiting,
		private readonly signal: CancelSignal,
		private readonly graceMs: number,
	) {
		if (signal.aborted) this.onAbort();
		else signal.addEventListener('abort', this.onAbort);
	}

	/** Whether the request has been handed to a connection that was established, TLS included. */
	get handedOver(): boolean {
		return this.stop !== undefined;
	}

	get body(): ResponseBody {
		return this;
	}

	get headers(): Readonly<Record<string, string>> {
		return isRaw(this.rawHeaders)
			? headersFromPairs(this.rawHeaders)
			: flatHeaders(this.rawHeaders);
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
		this.abort(new Error('the answer is not needed any more'));
	}

	/**
	 * Gives the request up if it has not been handed to a connection in time. undici limits single
	 * attempts to connect, but not their number, nor the wait for a proxy.
	 */
	limitConnecting(ms: number): void {
		const timer = timerFor(ms);
		const giveUp = () => {
			this.signal.removeEventListener('abort', this.onAbort);
			const error = new TransportError('no connection could be made in time', false, undefined);
			this.waiting.reject(error);
			this.abort(error);
		};
		timer.addEventListener('abort', giveUp);
		this.connected = () => timer.removeEventListener('abort', giveUp);
	}

	onConnect(abort: (reason: Error) => void): void {
		this.stop = abort;
		this.connected?.();
		if (this.stopReason) abort(this.stopReason);
	}

	onHeaders(status: number, headers: readonly Uint8Array[]): boolean {
		this.head(status, headers);
		return true;
	}

	onData(chunk: Uint8Array): boolean {
		if (this.reader) this.reader.piece(chunk);
		else if (!this.stopReason) this.early.push(chunk);
		return true;
	}

	onComplete(): void {
		this.end();
	}

	onError(error: Error): void {
		this.end(error);
	}

	onRequestStart(controller: Controller): void {
		this.onConnect((reason) => controller.abort(reason));
	}

	onResponseStart(_controller: Controller, status: number, headers: HeaderValues): void {
		this.head(status, headers);
	}

	onResponseData(_controller: Controller, chunk: Uint8Array): void {
		this.onData(chunk);
	}

	onResponseEnd(): void {
		this.end();
	}

	onResponseError(_controller: Controller, error: Error): void {
		this.end(error);
	}

	/** Interim answers (1xx) are none. */
	private head(status: number, headers: HeaderValues | readonly Uint8Array[]): void {
		if (status < 200) return;
		this.status = status;
		this.rawHeaders = headers;
		this.waiting.resolve(this);
	}

	private end(error?: Error): void {
		this.signal.removeEventListener('abort', this.onAbort);
		this.connected?.();
		// undici hands over its means to stop a request when it has a connection to write it to.
		if (this.status === 0 && error) {
			this.waiting.reject(asTransportError(error, this.handedOver && !isOfProxy(error)));
		}
		this.ending = error ? { error } : {};
		if (this.reader) this.tellEnd(error);
	}

	private tellEnd(error: Error | undefined): void {
		const { reader } = this;
		this.reader = undefined;
		if (error) reader?.fail(asTransportError(error));
		else reader?.end();
	}

	private readonly onAbort = (): void => {
		const reason: unknown = this.signal.reason;
		const give = () => {
			// Not connected yet: undici would tell only when it is.
			if (this.status === 0) this.waiting.reject(reason);
			this.abort(reason instanceof Error ? reason : new Error(String(reason)));
		};
		if (this.graceMs === 0) return give();
		if (this.handedOver) return timerFor(this.graceMs).addEventListener('abort', give);
		// Without a connection there is no answer to wait for, and nothing may be sent any more.
		this.waiting.reject(new TransportError('it was given up before it was sent', false, reason));
		give();
	};

	private abort(reason: Error): void {
		if (this.ending || this.stopReason) return;
		this.stopReason = reason;
		this.stop?.(reason);
	}
}

/** undici 8 sends requests of plain HTTP to a proxy without a tunnel, which may want a login. */
function isOfProxy({ message }: Error): boolean {
	return message.startsWith('Proxy Authentication Required');
}

function isRaw(headers: HeaderValues | readonly Uint8Array[]): headers is readonly Uint8Array[] {
	return Array.isArray(headers);
}
