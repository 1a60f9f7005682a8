import type { IHttpRequestOptions, IN8nHttpFullResponse } from 'n8n-workflow';
import {
	asTransportError,
	TransportError,
	type ResponseBody,
	type Transport,
	type TransportRequest,
	type TransportResponse,
} from './transport';

/** n8n's `this.helpers.httpRequest`. */
export type HttpRequestHelper = (options: IHttpRequestOptions) => Promise<unknown>;

function isFullResponse(value: unknown): value is IN8nHttpFullResponse {
	return typeof value === 'object' && value !== null && 'statusCode' in value && 'headers' in value;
}

function isBody(value: unknown): value is ResponseBody {
	return (
		typeof value === 'object' &&
		value !== null &&
		'on' in value &&
		'resume' in value &&
		'destroy' in value
	);
}

function flatten(headers: object): Record<string, string> {
	return Object.fromEntries(
		Object.entries(headers)
			.filter(([, value]) => value !== undefined && value !== null)
			.map(([name, value]) => [name.toLowerCase(), String(value)]),
	);
}

/**
 * Requests over n8n's own HTTP helper, for hosts without undici. It opens a connection for each
 * request, and its `timeout` is a limit on silence when the body is streamed.
 */
export class HelperTransport implements Transport {
	readonly name = 'helper';

	constructor(private readonly httpRequest: HttpRequestHelper) {}

	async request(request: TransportRequest): Promise<TransportResponse> {
		const { signal } = request;
		signal.throwIfAborted();
		const response = await this.send(request);
		if (!isFullResponse(response) || !isBody(response.body)) {
			throw new TransportError('the HTTP helper of n8n gave no streamed answer', true, undefined);
		}
		const { body } = response;
		const abandon = () => body.destroy();
		signal.addEventListener('abort', abandon, { once: true });
		body.on('close', () => signal.removeEventListener('abort', abandon));
		return { status: response.statusCode, headers: flatten(response.headers), body };
	}

	private async send(request: TransportRequest): Promise<unknown> {
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
				timeout: Math.max(request.headersTimeoutMs, request.silenceMs),
				abortSignal: request.signal,
			});
		} catch (error) {
			request.signal.throwIfAborted();
			throw asTransportError(error);
		}
	}
}
