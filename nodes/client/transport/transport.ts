import type { BinaryHelperFunctions } from 'n8n-workflow';
import type { CancelSignal } from '../util/cancelSignal';
import { messageOf } from '../util/errorMessage';
import type { AnswerHeaders } from './headers';

/** A readable stream of Node.js; n8n hands them out, and their module may not be imported here. */
export type Readable = Awaited<ReturnType<BinaryHelperFunctions['getBinaryStream']>>;

export function isStream(value: unknown): value is Readable {
	return typeof value === 'object' && value !== null && 'on' in value && 'destroy' in value;
}

/**
 * What a request is for. Those that are soon over wait for their turn if there are many; for the
 * others, which may stay open for long, whoever sends them has taken a place (`connectionLimits`).
 */
export type Purpose = 'request' | 'cancel' | 'stream' | 'transfer';

/** One HTTP request, as a transport carries it out. Redirects are never followed. */
export interface TransportRequest {
	readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
	readonly url: string;
	readonly headers: Readonly<Record<string, string>>;
	/** Bytes and streams need a Content-Length among the headers. A stream is destroyed if it fails. */
	readonly body?: string | Uint8Array | Readable | undefined;
	readonly signal: CancelSignal;
	/** After `signal` has aborted, the answer is still waited for this long, ms; default 0. */
	readonly graceMs?: number | undefined;
	/** Longest wait for the head of the answer, connecting included, ms. */
	readonly headersTimeoutMs: number;
	/** Longest silence inside the answer's body, ms. */
	readonly silenceMs: number;
	/** Default: `request`. */
	readonly purpose?: Purpose | undefined;
	/** Whether only hosts of the public internet may be reached; else it is a NotPublicError. */
	readonly publicOnly?: boolean;
}

/** Told what arrives of a body; `end` or `fail` is called once, and nothing after it. */
export interface BodyReader {
	piece(chunk: Uint8Array): void;
	end(): void;
	fail(error: Error): void;
}

/** A body that arrives piece by piece. */
export interface ResponseBody {
	/** Starts reading, or hands over to another reader, who is told only what is still to come. */
	read(reader: BodyReader): void;
	/** Closes the connection; no reader is told anything any more. */
	destroy(): void;
}

export interface TransportResponse {
	readonly status: number;
	readonly headers: AnswerHeaders;
	readonly body: ResponseBody;
}

/** An answer whose body is read at the reader's pace, however long it is. */
export interface StreamedResponse extends Omit<TransportResponse, 'body'> {
	readonly stream: Readable;
}

/** Carries requests over the network; knows nothing of the service. */
export interface Transport {
	/** Name for logs and tests. */
	readonly name: string;
	/**
	 * Resolves with the head of the answer, whatever its status.
	 *
	 * @throws TransportError if there is no answer, or the reason of the request's signal
	 */
	request(request: TransportRequest): Promise<TransportResponse>;
	/**
	 * The same for an answer of any size; the signal counts until its stream is closed.
	 *
	 * @throws as `request`
	 */
	open(request: TransportRequest): Promise<StreamedResponse>;
}

/** No answer came. */
export class TransportError extends Error {
	constructor(
		message: string,
		/** `false` only if the request certainly never left this machine. */
		readonly mayHaveArrived: boolean,
		cause: unknown,
	) {
		super(message, { cause });
		this.name = 'TransportError';
	}
}

/** An answer came, but is longer than one of its kind may be. */
export class AnswerTooLargeError extends TransportError {
	constructor() {
		super('the answer is too large', true, undefined);
	}
}

/** A stream was closed, because this process has few file handles and another request needed one. */
export class MadeRoomError extends TransportError {
	constructor() {
		super('its connection was needed for another request', true, undefined);
	}
}

export const NO_ANSWER = 'no answer came in time';

/** The error for a request that its signal has ended before there was a connection for it. */
export function givenUpUnsent(reason: unknown): TransportError {
	return new TransportError('it was given up before it was sent', false, reason);
}

/** What a request fails with whose signal has aborted before it was sent. */
export function givenUp({
	signal,
	graceMs = 0,
}: Pick<TransportRequest, 'signal' | 'graceMs'>): unknown {
	return graceMs > 0 ? givenUpUnsent(signal.reason) : signal.reason;
}

const NOT_TLS =
	'what answers there does not speak TLS, so its address may begin with http, not https';
const NOT_TRUSTED = 'the certificate of the server is not one that this n8n trusts';
const NO_HANDLES = 'this machine has no file handles left for another connection';
export const NOT_CONNECTED = 'no connection could be made in time';
const CLOSED = 'the connection was closed before an answer came';
const LONG_HEAD = 'the head of the answer is too long';
const DAMAGED = 'the answer is damaged: it cannot be decompressed';
const CLOSED_EARLY = 'the connection was closed before it was ready';

/** The process has none left, or the machine. */
const HANDLE_CODES: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE']);

/** Failures that happen before the first byte of a request can be sent; empty if their text will do. */
const BEFORE_SENDING: Readonly<Record<string, string>> = {
	ECONNREFUSED: 'nothing accepts connections there',
	ENOTFOUND: 'the host name is unknown',
	EAI_AGAIN: 'the host name could not be looked up',
	EMFILE: NO_HANDLES,
	ENFILE: NO_HANDLES,
	UND_ERR_CONNECT_TIMEOUT: NOT_CONNECTED,
	UND_ERR_INVALID_ARG: '',
	ERR_INVALID_URL: '',
	ERR_INVALID_CHAR: '',
	ERR_INVALID_HTTP_TOKEN: '',
	DEPTH_ZERO_SELF_SIGNED_CERT: NOT_TRUSTED,
	SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
	UNABLE_TO_GET_ISSUER_CERT: NOT_TRUSTED,
	UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
	CERT_HAS_EXPIRED: 'the certificate of the server has expired',
	CERT_NOT_YET_VALID: 'the certificate of the server is not valid yet',
	EPROTO: '',
};
/** Others: what they mean where the request had not left, and where it may have. */
const ANY_TIME: Readonly<Record<string, readonly [early: string, late: string]>> = {
	ECONNRESET: [CLOSED_EARLY, CLOSED],
	UND_ERR_SOCKET: [CLOSED_EARLY, CLOSED],
	EPIPE: [CLOSED_EARLY, 'the connection was closed while sending'],
	ECONNABORTED: [NOT_CONNECTED, NO_ANSWER],
	ETIMEDOUT: [NOT_CONNECTED, 'the connection timed out'],
	UND_ERR_HEADERS_TIMEOUT: [NO_ANSWER, NO_ANSWER],
	UND_ERR_BODY_TIMEOUT: [NO_ANSWER, 'the answer stopped arriving'],
	UND_ERR_HEADERS_OVERFLOW: [LONG_HEAD, LONG_HEAD],
	HPE_HEADER_OVERFLOW: [LONG_HEAD, LONG_HEAD],
	UND_ERR_RES_CONTENT_LENGTH_MISMATCH: [CLOSED, 'the answer has another length than it says'],
	ERR_TRAILING_JUNK_AFTER_STREAM_END: [DAMAGED, DAMAGED],
};
/** Codes of failures in decompressing: of zlib, and of Brotli, which Node.js puts together itself. */
const DECOMPRESSION_CODE = /^(?:Z_[A-Z]+_ERROR$|ERR__ERROR_|ZSTD_error_)/;
/** Codes of failures in making a secure connection. */
const TLS_CODE = /^ERR_(?:TLS|SSL)_|^EPROTO$/;
/** What Node.js was doing while there was no connection yet. */
const CONNECTING: ReadonlySet<unknown> = new Set(['connect', 'getaddrinfo', 'socket']);
/** Node.js has no code for it. */
const NOT_YET_SECURE = /before secure TLS connection was established/;

function plainWords(code: string, text: string, mayHaveLeft: boolean): string | undefined {
	if (/wrong version number/i.test(code.replaceAll('_', ' ') + text)) return NOT_TLS;
	if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
		return 'the certificate of the server is for another name';
	}
	if (TLS_CODE.test(code)) return 'no secure connection could be made';
	if (DECOMPRESSION_CODE.test(code)) return DAMAGED;
	if (/^HPE_/.test(code) && ANY_TIME[code] === undefined)
		return `what answers there breaks the rules of HTTP (${text})`;
	return ANY_TIME[code]?.[mayHaveLeft ? 1 : 0] ?? (BEFORE_SENDING[code] || undefined);
}

function property(value: unknown, key: string): unknown {
	return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

/** An error, and what it says to be caused by, the nearest first. */
function* chainOf(error: unknown): Generator {
	let current = error;
	for (let depth = 0; depth < 5 && current !== undefined; depth += 1) {
		yield current;
		const several = property(current, 'errors');
		current = property(current, 'cause') ?? (Array.isArray(several) ? several[0] : undefined);
	}
}

/** Whether an error alone, of whatever HTTP client, shows that nothing was sent. */
function isBeforeSending(error: unknown): boolean {
	return [...chainOf(error)].some((one) => {
		const code = property(one, 'code');
		if (typeof code === 'string' && (code in BEFORE_SENDING || TLS_CODE.test(code))) return true;
		const text = property(one, 'message');
		if (typeof text !== 'string') return false;
		return CONNECTING.has(property(one, 'syscall')) || NOT_YET_SECURE.test(text);
	});
}

/** Whether all that a request lacked was a file handle for its connection. */
export function isOutOfHandles(error: unknown): boolean {
	return [...chainOf(error)].some((one) => HANDLE_CODES.has(property(one, 'code')));
}

/**
 * Says in plain words what a failed request or body means, and whether the request can have had an
 * effect. Plain words, because n8n replaces messages that contain a system error code.
 *
 * @param mayHaveLeft whether the request was ever handed to a connection that was established, if
 * that is known; otherwise the error has to tell
 */
export function asTransportError(
	error: unknown,
	mayHaveLeft = !isBeforeSending(error),
): TransportError {
	if (error instanceof TransportError) return error;
	const code = [...chainOf(error)]
		.map((one) => property(one, 'code'))
		.find((one) => typeof one === 'string');
	const text = messageOf(error);
	const words = code === undefined ? undefined : plainWords(code, text, mayHaveLeft);
	return new TransportError(words ?? (text || code || 'unknown reason'), mayHaveLeft, error);
}
