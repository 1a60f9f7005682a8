/** Talking to a sandbox in its own tests. */
import type { Sandbox } from './index.mts';

export type Json = Record<string, unknown>;

interface Caller {
	/** Sends a request with the key; a body is sent as JSON. */
	call(method: string, path: string, body?: unknown, headers?: Json): Promise<Response>;
	json(response: Promise<Response>): Promise<Json>;
	/** What is in the envelope. */
	dto(response: Promise<Response>): Promise<Json>;
}

/** Sends requests to a sandbox, which need not have been started yet. */
export function caller(sandbox: () => Sandbox): Caller {
	const json = async (response: Promise<Response>): Promise<Json> =>
		(await (await response).json()) as Json;
	return {
		json,
		dto: async (response) => (await json(response))['data'] as Json,
		call: (method, path, body, headers = {}) =>
			fetch(sandbox().url + path, {
				method,
				headers: {
					authorization: `Bearer ${sandbox().apiKey}`,
					...(body === undefined ? {} : { 'content-type': 'application/json' }),
					...(headers as Record<string, string>),
				},
				...(body === undefined ? {} : { body: JSON.stringify(body) }),
			}),
	};
}
