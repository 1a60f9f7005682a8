/** What handlers return, and how it is put on the wire. */
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

import type { Notice, SandboxSettings, StreamFaultOptions } from '../types.mts';

export type Headers = Readonly<Record<string, string>>;

export type Answer =
	| {
			readonly kind: 'data';
			readonly status: number;
			readonly data: unknown;
			readonly messages?: readonly Notice[];
			readonly headers?: Headers;
	  }
	| {
			readonly kind: 'problem';
			readonly status: number;
			readonly code: string;
			readonly detail: string;
			readonly extra?: Readonly<Record<string, unknown>>;
			readonly headers?: Headers;
	  }
	| {
			readonly kind: 'raw';
			readonly status: number;
			readonly body: string | Buffer | Readable;
			readonly contentType: string;
			readonly headers?: Headers;
	  }
	| { readonly kind: 'empty'; readonly status: number; readonly headers?: Headers }
	| {
			/** Takes the response over. */
			readonly kind: 'stream';
			readonly open: (response: ServerResponse, fault: StreamFaultOptions | undefined) => void;
	  };

export interface Rendered {
	readonly status: number;
	readonly contentType: string | undefined;
	readonly body: string | Buffer | Readable;
	readonly headers: Headers | undefined;
}

const TITLES: Readonly<Record<number, string>> = {
	400: 'Bad Request',
	401: 'Unauthorized',
	402: 'Payment Required',
	403: 'Forbidden',
	404: 'Not Found',
	409: 'Conflict',
	410: 'Gone',
	413: 'Payload Too Large',
	422: 'Unprocessable Entity',
	429: 'Too Many Requests',
	500: 'Internal Server Error',
};

/** A successful answer; enveloped when it is sent. */
export function data(value: unknown, status = 200): Answer {
	return { kind: 'data', status, data: value };
}

/** An RFC 9457 problem. */
export function problem(
	status: number,
	code: string,
	detail: string,
	extra?: Readonly<Record<string, unknown>>,
): Answer {
	return extra === undefined
		? { kind: 'problem', status, code, detail }
		: { kind: 'problem', status, code, detail, extra };
}

export function notFound(what: string): Answer {
	return problem(404, 'not_found', `${what} not found`);
}

function renderData(
	answer: Extract<Answer, { kind: 'data' }>,
	envelope: SandboxSettings['envelope'],
): string {
	if (envelope === 'v2') return JSON.stringify(answer.data ?? null);
	if (envelope === 'v1') {
		return JSON.stringify({ success: true, status: answer.status, data: answer.data ?? null });
	}
	return JSON.stringify({ data: answer.data ?? null, messages: answer.messages ?? [] });
}

/** The bytes of an answer, in the envelope generation the settings ask for. */
export function render(
	answer: Exclude<Answer, { kind: 'stream' }>,
	envelope: SandboxSettings['envelope'],
): Rendered {
	switch (answer.kind) {
		case 'data':
			return {
				status: answer.status,
				contentType: 'application/json',
				body: renderData(answer, envelope),
				headers: answer.headers,
			};
		case 'problem': {
			const { status, code, detail, extra } = answer;
			const body =
				envelope === 'v1'
					? { success: false, status, error: { code, message: detail, ...extra } }
					: {
							type: `https://api.inference.sh/errors/${code}`,
							title: TITLES[status] ?? 'Error',
							status,
							detail,
							...extra,
						};
			return {
				status,
				contentType: envelope === 'v1' ? 'application/json' : 'application/problem+json',
				body: JSON.stringify(body),
				headers: answer.headers,
			};
		}
		case 'raw':
			return {
				status: answer.status,
				contentType: answer.contentType,
				body: answer.body,
				headers: answer.headers,
			};
		case 'empty':
			return { status: answer.status, contentType: undefined, body: '', headers: answer.headers };
	}
}
