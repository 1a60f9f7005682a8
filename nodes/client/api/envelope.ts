import { isJsonObject, listOf, textOf, type JsonObject } from '../util/json';

/** A notice that comes with an answer: a concurrency limit, a deprecation, an upgrade hint. */
export interface ServiceNotice {
	readonly level: 'info' | 'warning';
	readonly message: string;
}

/** A decoded success body. */
export interface Reply {
	readonly value: unknown;
	readonly notices: readonly ServiceNotice[];
}

const ENVELOPE_KEYS: ReadonlySet<string> = new Set([
	'data',
	'messages',
	'success',
	'status',
	'error',
]);

/** Nearly no answer has notices. */
const NO_NOTICES: readonly ServiceNotice[] = [];

/** An object that has a field called `data` is an envelope only if it has nothing of its own. */
function isEnvelope(body: unknown): body is JsonObject {
	if (!isJsonObject(body) || !('data' in body)) return false;
	for (const key in body) if (!ENVELOPE_KEYS.has(key)) return false;
	return true;
}

function noticeFrom(entry: unknown): ServiceNotice | undefined {
	if (!isJsonObject(entry)) return undefined;
	const message = textOf(entry['message']) ?? textOf(entry['code']);
	if (message === undefined) return undefined;
	return { level: entry['level'] === 'warning' ? 'warning' : 'info', message };
}

/** Whether a body is the first envelope generation's way of saying no at HTTP 200. */
export function isRefusedBody(body: unknown): body is JsonObject {
	return isJsonObject(body) && body['success'] === false && ('error' in body || 'data' in body);
}

/**
 * Unwraps the three generations of success bodies (API notes 1.3): `{success,status,data,error}`,
 * a bare value, and `{data,messages}`.
 */
export function decodeReply(body: unknown): Reply {
	if (!isEnvelope(body)) return { value: body, notices: NO_NOTICES };
	const messages = listOf(body['messages']);
	if (messages.length === 0) return { value: body['data'], notices: NO_NOTICES };
	const notices = messages.map(noticeFrom).filter((notice) => notice !== undefined);
	return { value: body['data'], notices };
}
