import type { CancelSignal } from '../util/cancelSignal';
import { RESUME_SPREAD_MS, type Account } from './account';
import { errorFromRefusal, unexpectedAnswer } from './apiError';
import { letGo, readAnswer, readRefusal } from '../transport/body';
import { plainBody } from '../transport/decompression';
import { monotonicNow, type Clock } from '../util/clock';
import { decodeReply, isRefusedBody, type Reply } from './envelope';
import {
	InferenceError,
	NetworkError,
	ProtocolError,
	ValidationError,
	type RemoteWork,
} from '../errors';
import { redact } from '../util/redact';
import { rateLimitReset, requestedDelay } from './retryTiming';
import type { Exchange } from './serviceClock';
import type { Timings } from '../settings';
import {
	AnswerTooLargeError,
	TransportError,
	type Purpose,
	type ResponseBody,
	type Transport,
	type TransportRequest,
	type TransportResponse,
} from '../transport/transport';
import { USER_AGENT } from '../util/version';
import { jsonText, parseJson } from '../util/json';
import { shortened } from '../util/shortened';

/** Where and as whom requests are made. */
export interface Credential {
	/** Without a trailing slash. */
	readonly baseUrl: string;
	readonly apiKey: string;
}

/** One request to the service. */
export interface ApiCall {
	readonly method: TransportRequest['method'];
	/** Path with its variable parts already encoded; see `path`. */
	readonly path: string;
	readonly body?: unknown;
	readonly signal: CancelSignal;
	/** What errors should name. */
	readonly about?: RemoteWork | undefined;
	readonly headersTimeoutMs?: number;
	/** After `signal` has aborted, the answer is still waited for this long, ms. */
	readonly graceMs?: number;
	/** Cancelling does not wait until a rate limit's pause is over. */
	readonly urgent?: boolean;
	/** Cancelling does not wait behind other requests. */
	readonly purpose?: Purpose;
}

/** A success answer, decoded. */
export interface ApiReply extends Reply {
	readonly httpStatus: number;
	/** Body as it came; `Api.unexpected` makes an error of it. */
	readonly text: string;
	/** Where the text came from. */
	readonly response: TransportResponse;
	/** When it was asked for and when its head came. */
	readonly exchange: Exchange;
}

/** An open stream. */
export interface ApiStream {
	readonly body: ResponseBody;
	readonly contentType: string;
}

/** Where retries, reconnects and cancellations are told; never gets keys or inputs. */
export interface ClientLog {
	debug(message: string): void;
}

/** What nearly every id is. */
const PLAIN_SEGMENT = /^[\w-]+$/;
/** What no id has: it would lead to another place, or servers differ in where. */
const NO_SEGMENT = /^\.{0,2}$|[/\\%?#\p{Cc}\p{Cs}]/u;

/** Whether there can be anything with this id. */
export function isSegment(id: string): boolean {
	return PLAIN_SEGMENT.test(id) || !NO_SEGMENT.test(id);
}

/**
 * Joins path segments, each one encoded.
 *
 * @throws ValidationError before anything is sent if one of them would lead to another place
 */
export function path(...segments: readonly string[]): string {
	let joined = '';
	for (const segment of segments) {
		if (!isSegment(segment)) {
			throw new ValidationError(`There is nothing with the ID ${JSON.stringify(segment)}`, {
				hint: 'Enter the ID as the service gave it. No request was made with this one.',
			});
		}
		joined += `/${encodeURIComponent(segment)}`;
	}
	return joined;
}

/** What a request carries and wants: nothing and JSON, JSON and JSON, nothing and a stream. */
type RequestKind = 'plain' | 'json' | 'stream';
type HeadersByKind = Readonly<Record<RequestKind, TransportRequest['headers']>>;

/** Request headers of each kind; made once, because thousands of requests have the same. */
function headersFor(apiKey: string): HeadersByKind {
	const common = {
		Authorization: `Bearer ${apiKey}`,
		'User-Agent': USER_AGENT,
		'Accept-Encoding': 'identity',
	};
	const plain = { ...common, Accept: 'application/json' };
	return {
		plain,
		json: { ...plain, 'Content-Type': 'application/json' },
		stream: {
			...common,
			Accept: 'application/x-ndjson',
			'Cache-Control': 'no-cache',
		},
	};
}

/** Longest text of the service that becomes a message or part of one. */
const SHOWN_LENGTH = 4_000;
/** More of an answer is not looked at to say what is wrong. */
const READ_LENGTH = 256 * 1024;

/**
 * One attempt of one request: headers, decoding, errors. The key goes into the `Authorization`
 * header of requests to the base URL and nowhere else.
 */
export class Api {
	private readonly headers: HeadersByKind;

	constructor(
		private readonly transport: Transport,
		private readonly credential: Credential,
		private readonly account: Account,
		private readonly clock: Clock,
		private readonly timings: Timings,
	) {
		this.headers = headersFor(credential.apiKey);
	}

	/**
	 * Sends a request and decodes the answer.
	 *
	 * @throws InferenceError of the situation; the reason of `call.signal`
	 */
	async send(call: ApiCall): Promise<ApiReply> {
		if (!call.urgent && this.account.paused) await this.pauseOver(call);
		let response: TransportResponse | undefined;
		let text: string;
		const sentAt = monotonicNow();
		let receivedAt = sentAt;
		try {
			response = await this.transport.request(
				this.carried(call, call.body === undefined ? 'plain' : 'json'),
			);
			receivedAt = monotonicNow();
			text = await (isSuccess(response) ? readAnswer(response) : readRefusal(response));
		} catch (error) {
			throw this.lost(call, error, response);
		}
		if (!isSuccess(response)) throw this.refused(call, response, text);
		const { status: httpStatus } = response;
		const exchange = { sentAt, receivedAt };
		if (text.trim() === '') {
			return { value: undefined, notices: [], httpStatus, text, response, exchange };
		}
		const body = parseJson(text);
		if (body === undefined) throw this.unexpected(call, { httpStatus, text });
		if (isRefusedBody(body)) throw this.refused(call, response, text, Number(body['status']));
		const { value, notices: told } = decodeReply(body);
		const notices =
			told.length === 0
				? told
				: told.map((notice) => ({ ...notice, message: this.clean(notice.message) }));
		return { value, notices, httpStatus, text, response, exchange };
	}

	/**
	 * As `send`, and learns from the answer what the time is at the service.
	 *
	 * @throws as `send`
	 */
	async sendTimed(call: ApiCall): Promise<ApiReply> {
		const reply = await this.send(call);
		this.account.serviceClock.heard(reply.response.headers.get('date'), reply.exchange);
		return reply;
	}

	/** A text of the service as people may see it: without the key, and not longer than they read. */
	clean(text: string): string {
		// What the first cut leaves of a key falls to the second one.
		const near = shortened(text, 4 * SHOWN_LENGTH);
		return shortened(redact(near, this.credential.apiKey), SHOWN_LENGTH);
	}

	/** What an answer says, as far as its error may need it, without the key. */
	private told(text: string): string {
		return redact(text.slice(0, READ_LENGTH), this.credential.apiKey);
	}

	/** The error for a success answer that does not hold what was promised. */
	unexpected(call: ApiCall, reply: Pick<ApiReply, 'httpStatus' | 'text'>): InferenceError {
		return unexpectedAnswer({
			httpStatus: reply.httpStatus,
			text: this.told(reply.text),
			call: describe(call),
			address: this.credential.baseUrl,
			about: call.about,
		});
	}

	/**
	 * Opens a stream. Its silence limit is that of streams; its end is the caller's business.
	 *
	 * @throws as `send`
	 */
	async open(call: ApiCall): Promise<ApiStream> {
		if (this.account.paused) await this.pauseOver(call);
		let response: TransportResponse | undefined;
		try {
			response = await this.transport.request(this.carried(call, 'stream'));
			if (isSuccess(response)) {
				return {
					body: plainBody(response),
					contentType: response.headers.get('content-type') ?? '',
				};
			}
			throw this.refused(call, response, await readRefusal(response));
		} catch (error) {
			throw this.lost(call, error, response);
		}
	}

	private async pauseOver(call: ApiCall): Promise<void> {
		await this.account.ready(RESUME_SPREAD_MS, call.signal);
	}

	/** The request as a transport carries it. */
	private carried(call: ApiCall, kind: RequestKind): TransportRequest {
		return {
			method: call.method,
			url: this.credential.baseUrl + call.path,
			headers: this.headers[kind],
			body: call.body === undefined ? undefined : jsonText(call.body),
			signal: call.signal,
			graceMs: call.graceMs,
			purpose: kind === 'stream' ? kind : call.purpose,
			headersTimeoutMs: call.headersTimeoutMs ?? this.timings.headersMs,
			silenceMs: kind === 'stream' ? this.timings.streamSilenceMs : this.timings.headersMs,
		};
	}

	/** The error for an answer that did not come, or not to its end. */
	private lost(call: ApiCall, error: unknown, response: TransportResponse | undefined): unknown {
		if (response && error instanceof TransportError) {
			letGo(response.body);
			call.signal.throwIfAborted();
		}
		return this.noAnswer(call, error);
	}

	private noAnswer(call: ApiCall, error: unknown): unknown {
		if (!(error instanceof TransportError)) return error;
		if (error instanceof AnswerTooLargeError) return this.tooLarge(call, error);
		const reason = this.clean(error.message);
		const host = new URL(this.credential.baseUrl).host;
		return new NetworkError(`No usable answer from ${host}: ${reason}`, {
			mayHaveBeenAccepted: error.mayHaveArrived,
			request: describe(call),
			about: call.about,
			cause: error,
			hint: 'Check "Base URL" in the Inference.sh credential, and that this n8n can reach it.',
		});
	}

	private tooLarge(call: ApiCall, cause: AnswerTooLargeError): ProtocolError {
		const request = describe(call);
		return new ProtocolError(
			`${this.credential.baseUrl} answered ${request} with more than 64 MB, and only so much is read`,
			{
				httpStatus: 200,
				request,
				about: call.about,
				cause,
				hint: 'If an app gives large results, have it give them as files. Otherwise look for a proxy or another server at "Base URL" in the Inference.sh credential.',
			},
		);
	}

	private refused(
		call: ApiCall,
		response: TransportResponse,
		text: string,
		statusInBody = Number.NaN,
	): InferenceError {
		const httpStatus = statusInBody >= 300 ? statusInBody : response.status;
		const now = this.clock.now();
		return errorFromRefusal({
			httpStatus,
			text: this.told(text),
			retryAfterMs: requestedDelay(response.headers, now),
			resetMs: rateLimitReset(response.headers, now),
			call: describe(call),
			address: this.credential.baseUrl,
			about: call.about,
		});
	}
}

function isSuccess({ status }: TransportResponse): boolean {
	return status >= 200 && status <= 299;
}

function describe(call: ApiCall): string {
	return `${call.method} ${call.path.replace(/\?.*$/, '')}`;
}
