/** What a route is made of. */
import type { IncomingMessage } from 'node:http';

import type { Answer } from './answers.mts';

/** A request on its way to its handler. */
export interface Call {
	readonly method: string;
	readonly path: string;
	readonly query: string;
	readonly params: Readonly<Record<string, string>>;
	readonly headers: Readonly<Record<string, string | undefined>>;
	readonly body: unknown;
	readonly request: IncomingMessage;
}

export interface Route {
	readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
	readonly url: string;
	/**
	 * `api` (default) wants the key and counts against the rate limit; `storage` is the object
	 * store, which knows neither and reads bodies itself.
	 */
	readonly service?: 'api' | 'storage';
	/** Counted by the `run` rate limit. */
	readonly submits?: boolean;
	readonly handle: (call: Call) => Answer | Promise<Answer>;
}
