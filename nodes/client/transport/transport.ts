import type { BinaryHelperFunctions } from 'n8n-workflow';
import type { CancelSignal } from '../util/cancelSignal';
import { messageOf } from '../util/errorMessage';

/** A readable stream of Node.js; n8n hands them out, and their module may not be imported here. */
export type Readable = Awaited<ReturnType<BinaryHelperFunctions['getBinaryStream']>>;

export function isStream(value: unknown): value is Readable {
	return typeof value === 'object' && value !== null && 'on' in value && 'destroy' in value;
}

/** One HTTP request, as a transport carries it out. Redirects are never followed. */
export interface TransportRequest {
	readonly method: 'GET' | 'POST' | 'PUT';
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
	/** Names in lower case, repeated headers joined with a comma. */
	readonly headers: Readonly<Record<string, string>>;
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

/** Failures that happen before the first byte of a request can be sent. */
const BEFORE_SENDING = new Set([
	'ECONNREFUSED',
	'ENOTFOUND',
	'EAI_AGAIN',
	'EAI_FAIL',
	'EHOSTUNREACH',
	'ENETUNREACH',
	'EADDRNOTAVAIL',
	'EMFILE',
	'ENFILE',
	'UND_ERR_CONNECT_TIMEOUT',
	'UND_ERR_PRX_TLS',
	'UND_ERR_INVALID_ARG',
	'ERR_INVALID_URL',
	'ERR_INVALID_CHAR',
	'ERR_INVALID_HTTP_TOKEN',
	'DEPTH_ZERO_SELF_SIGNED_CERT',
	'SELF_SIGNED_CERT_IN_CHAIN',
	'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
	'UNABLE_TO_GET_ISSUER_CERT',
	'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
	'CERT_HAS_EXPIRED',
	'CERT_NOT_YET_VALID',
	'EPROTO',
]);
/** Codes of failures in making a secure connection. */
const TLS_CODE = /^ERR_(?:TLS|SSL)_/;
/** What Node.js was doing while there was no connection yet. */
const CONNECTING: ReadonlySet<unknown> = new Set(['connect', 'getaddrinfo', 'socket']);
/** How undici tells what a proxy has answered instead of opening a tunnel. */
const PROXY_REFUSAL = /^Proxy response \((\d+)\)/;
/** Node.js has no code for it. */
const NOT_YET_SECURE = /before secure TLS connection was established/;

const NOT_TLS =
	'what answers there does not speak TLS, so its address may begin with http, not https';
const NOT_TRUSTED = 'the certificate of the server is not one that this n8n trusts';

const PLAIN_WORDS: Readonly<Record<string, string>> = {
	ECONNREFUSED: 'nothing accepts connections there',
	ENOTFOUND: 'the host name is unknown',
	EAI_AGAIN: 'the host name could not be looked up',
	EMFILE: 'this machine has no file handles left for another connection',
	ENFILE: 'this machine has no file handles left for another connection',
	ECONNRESET: 'the connection was closed before an answer came',
	EPIPE: 'the connection was closed while sending',
	UND_ERR_SOCKET: 'the connection was closed before an answer came',
	UND_ERR_CONNECT_TIMEOUT: 'no connection could be made in time',
	UND_ERR_HEADERS_TIMEOUT: 'no answer came in time',
	UND_ERR_BODY_TIMEOUT: 'the answer stopped arriving',
	ECONNABORTED: 'no answer came in time',
	ETIMEDOUT: 'the connection timed out',
	ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
	DEPTH_ZERO_SELF_SIGNED_CERT: NOT_TRUSTED,
	SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
	UNABLE_TO_GET_ISSUER_CERT: NOT_TRUSTED,
	UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
	CERT_HAS_EXPIRED: 'the certificate of the server has expired',
	CERT_NOT_YET_VALID: 'the certificate of the server is not valid yet',
	ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of the server is for another name',
};

/** The same where it happened before the request could leave. */
const EARLY_WORDS: Readonly<Record<string, string>> = {
	ECONNRESET: 'the connection was closed before it was ready',
	EPIPE: 'the connection was closed before it was ready',
	ECONNABORTED: 'no connection could be made in time',
	ETIMEDOUT: 'no connection could be made in time',
};

function plainWords(code: string, text: string, mayHaveLeft: boolean): string | undefined {
	if (/wrong version number/.test(text)) return NOT_TLS;
	const proxyStatus = PROXY_REFUSAL.exec(text)?.[1];
	if (proxyStatus !== undefined) return `the proxy refuses to connect (HTTP ${proxyStatus})`;
	const known = (mayHaveLeft ? undefined : EARLY_WORDS[code]) ?? PLAIN_WORDS[code];
	if (known !== undefined) return known;
	return code === 'EPROTO' || TLS_CODE.test(code)
		? 'no secure connection could be made'
		: undefined;
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
		if (typeof code === 'string' && (BEFORE_SENDING.has(code) || TLS_CODE.test(code))) return true;
		const text = property(one, 'message');
		if (typeof text !== 'string') return false;
		return (
			CONNECTING.has(property(one, 'syscall')) ||
			NOT_YET_SECURE.test(text) ||
			PROXY_REFUSAL.test(text)
		);
	});
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
