/** Answers made at random: sound ones, and whatever can be wrong with one. */
import {
	brotliCompressSync,
	deflateRawSync,
	deflateSync,
	gzipSync,
	zstdCompressSync,
} from 'node:zlib';
import * as fc from 'fast-check';

/** What becomes of the connection after an answer, or after as much of it as is sent. */
export type Ending = 'keep' | 'close' | 'reset' | 'stall';

/** One answer, before it is known what it answers. */
export interface Answer {
	/** Bytes that go before the head. */
	readonly interim: string;
	readonly statusLine: string;
	readonly headers: readonly string[];
	/** `$ID` and `$URL` in it stand for what was asked for, and for the service. */
	readonly body: Buffer;
	readonly coding: keyof typeof CODINGS;
	readonly framing: keyof typeof FRAMINGS;
	/** The part of the bytes that is sent. */
	readonly sent: number;
	/** Bytes at a time. */
	readonly pieces: number;
	readonly ending: Ending;
	/** Whether it is sent as soon as the request's head is there. */
	readonly early: boolean;
}

/** Names of codings, and what is done to the bytes: not always what the name says. */
const CODINGS = {
	none: ['', (bytes: Buffer) => bytes],
	gzip: ['gzip', gzipSync],
	loud: ['GZIP', gzipSync],
	plainGzip: ['gzip', (bytes: Buffer) => bytes],
	halfGzip: ['gzip', (bytes: Buffer) => halfOf(gzipSync(bytes))],
	longGzip: ['gzip', (bytes: Buffer) => Buffer.concat([gzipSync(bytes), Buffer.from('more')])],
	bomb: ['gzip', () => gzipSync(Buffer.alloc(3_000_000, ' '))],
	deflate: ['deflate', deflateSync],
	rawDeflate: ['deflate', deflateRawSync],
	brotli: ['br', brotliCompressSync],
	plainBrotli: ['br', (bytes: Buffer) => bytes],
	zstd: ['zstd', zstdCompressSync],
	plainZstd: ['zstd', (bytes: Buffer) => bytes],
	halfZstd: ['zstd', (bytes: Buffer) => halfOf(zstdCompressSync(bytes))],
	zstdBomb: ['zstd', () => zstdCompressSync(Buffer.alloc(3_000_000, ' '))],
	twice: ['gzip, gzip', (bytes: Buffer) => gzipSync(gzipSync(bytes))],
	often: ['gzip,gzip,gzip,gzip,gzip,gzip', gzipSync],
	chunks: ['aws-chunked', (bytes: Buffer) => bytes],
} satisfies Record<string, readonly [name: string, code: (bytes: Buffer) => Buffer]>;

/** Headers that say how long a body is, and the body as it is sent. */
const FRAMINGS = {
	length: (body: Buffer) => [lengthOf(body.length), body],
	short: (body: Buffer) => [lengthOf(Math.floor(body.length / 2)), body],
	long: (body: Buffer) => [lengthOf(body.length + 10), body],
	negative: (body: Buffer) => [lengthOf(-1), body],
	huge: (body: Buffer) => [lengthOf(1e15), body],
	nonsense: (body: Buffer) => ['content-length: many', body],
	twice: (body: Buffer) => [`${lengthOf(body.length)}\r\n${lengthOf(body.length + 1)}`, body],
	chunked: (body: Buffer) => [CHUNKED, Buffer.concat([chunked(body), LAST_CHUNK])],
	endless: (body: Buffer) => [CHUNKED, chunked(body)],
	brokenChunks: (body: Buffer) => [CHUNKED, Buffer.concat([Buffer.from('zz\r\n'), body])],
	both: (body: Buffer) => [`${CHUNKED}\r\n${lengthOf(body.length)}`, chunked(body)],
	none: (body: Buffer) => ['x-framing: none', body],
} satisfies Record<string, (body: Buffer) => [headers: string, body: Buffer]>;

const CHUNKED = 'transfer-encoding: chunked';
const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const lengthOf = (length: number) => `content-length: ${length}`;

function halfOf(bytes: Buffer): Buffer {
	return bytes.subarray(0, bytes.length / 2);
}

function chunked(body: Buffer): Buffer {
	if (body.length === 0) return body;
	const half = Math.ceil(body.length / 2);
	const chunks = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0);
	return Buffer.concat(
		chunks.flatMap((chunk) => [
			Buffer.from(`${chunk.length.toString(16)}\r\n`),
			chunk,
			Buffer.from('\r\n'),
		]),
	);
}

/** The body of an answer as it is sent, before it is framed. */
export function bodyOf({ body, coding }: Pick<Answer, 'body' | 'coding'>): Buffer {
	return CODINGS[coding][1](body);
}

/** An answer as bytes. */
export function bytesOf(
	answer: Answer,
	about: { readonly id: string; readonly url: string },
): Buffer {
	const { interim, statusLine, headers, body } = answer;
	const fill = (text: string) => text.replaceAll('$ID', about.id).replaceAll('$URL', about.url);
	const [coding] = CODINGS[answer.coding];
	const plain = body.includes('$') ? Buffer.from(fill(body.toString('latin1')), 'latin1') : body;
	const [framing, framed] = FRAMINGS[answer.framing](bodyOf({ ...answer, body: plain }));
	const encoding = coding === '' ? [] : [`content-encoding: ${coding}`];
	const head = [statusLine, ...headers.map(fill), ...encoding, framing].join('\r\n');
	const whole = Buffer.concat([Buffer.from(`${interim}${head}\r\n\r\n`, 'latin1'), framed]);
	return whole.subarray(0, Math.ceil(whole.length * answer.sent));
}

/** Mostly the first, now and then one of the others. */
function mostly<T>(usual: fc.Arbitrary<T>, ...others: ReadonlyArray<fc.Arbitrary<T>>) {
	return fc.oneof({ weight: 4 * others.length, arbitrary: usual }, ...others);
}

/** Values that no field should have. */
export const nonsense = fc.oneof(
	fc.jsonValue({ maxDepth: 2 }),
	fc.constantFrom<unknown>('', '__proto__', '..', '\ud800', 'x'.repeat(5_000), 1e308, -1, null),
	fc.constantFrom<unknown>({}, [], [[null]], { __proto__: null, constructor: 1 }, true),
);
const some = (...values: readonly unknown[]) =>
	fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...values) }, nonsense);

const ids = some('$ID', '$ID', 'other-1');
const text = some('hello', 'line 1\nline 2\n', '{"a":1}');
const time = some('2026-01-01T00:00:00Z', '2036-01-01T00:00:00.5Z');
const schema = some(
	{ type: 'object', properties: { a: { type: 'string', format: 'file' } } },
	{ $ref: '#' },
);
const tool = { id: 'k1', status: 'awaiting_approval', type: 'app', function: { name: 'f' } };

/** Fields of all objects of the service; which of them an object has is chance. */
const FIELDS = {
	id: ids,
	status: some(
		1,
		3,
		7,
		9,
		10,
		11,
		12,
		'running',
		'completed',
		'failed',
		'ready',
		'busy',
		'idle',
		'odd',
	),
	state: some('working', 'completed', 'failed', 'canceled', 'input_required'),
	role: some('assistant', 'user'),
	order: some(0, 1, 2),
	chat_id: ids,
	agent_run_id: some('r1'),
	user_message_id: ids,
	content: some('hello', [{ type: 'text', text: 'hello' }]),
	tool_invocations: some([tool], []),
	pending_interrupts: some([{ id: 'i1', meta: { tool_invocation_id: 'k1' } }]),
	error: some('it broke', { code: 'x', message: 'broken', meta: { resource: 'rate_per_min' } }),
	output: some({ a: '$URL/app/files/a', response: 'hello' }, 'text', { a: { uri: '$URL/b' } }),
	logs: some('a\nb', [{ log_type: 1, content: 'a\nb' }]),
	created_at: time,
	updated_at: time,
	uri: some('$URL/app/files/f'),
	upload_url: some('$URL/put'),
	namespace: some('a'),
	name: some('b'),
	short_id: some('v1'),
	input_schema: schema,
	output_schema: schema,
	next_cursor: some('', 'more'),
	has_next: some(false, true),
	type: some('https://inference.sh/errors/x', 'heartbeat'),
	title: text,
	detail: text,
};

const flat: fc.Arbitrary<object> = mostly(
	fc.record(FIELDS, { requiredKeys: ['id', 'status'] }),
	fc.record(FIELDS, { requiredKeys: [] }),
);
const rows = fc.array(flat, { maxLength: 3 });

/** An object of the service with others in it. */
export const wireObject: fc.Arbitrary<object> = fc
	.tuple(
		flat,
		fc.record(
			{
				items: rows,
				chat_messages: rows,
				version: flat,
				functions: some({ run: { output_schema: { $ref: '#' } } }),
				active_run: flat,
				user_message: flat,
				assistant_message: flat,
				file: flat,
			},
			{ requiredKeys: [] },
		),
	)
	.map(([own, inner]) => ({ ...own, ...inner }));

/** An object in one of the service's envelopes. */
const enveloped: fc.Arbitrary<unknown> = fc.oneof(
	wireObject,
	wireObject.map((data) => ({ data })),
	wireObject.map((data) => ({ success: true, status: 200, data, error: null })),
	wireObject.map((data) => ({ success: false, data, error: { message: 'no' } })),
	fc.tuple(wireObject, nonsense).map(([data, messages]) => ({ data, messages })),
	rows,
	nonsense,
);

const delta = fc.record(
	{
		delta: some({ response: 'hel' }, { response: 'lo' }, { tool_calls: [{ index: 0 }] }),
		seq: some(1, 2, 3),
		resource_id: ids,
	},
	{ requiredKeys: ['delta'] },
);
const line: fc.Arbitrary<string> = fc.oneof(
	wireObject.map((data) => JSON.stringify(data)),
	fc
		.record({
			event: some('chats', 'chat_messages', 'agent_runs', 'delta'),
			data: wireObject,
			fields: some(['status'], ['output', 'logs']),
		})
		.map((event) => JSON.stringify(event)),
	delta.map((piece) => JSON.stringify(piece)),
	nonsense.map((value) => JSON.stringify(value) ?? ''),
	fc.constantFrom('{"type":"heartbeat"}', '', ':', 'data', '{"id":', '\u2028', '\r'),
);
const lines = fc.array(line, { maxLength: 8 });

const DEEP = '['.repeat(6_000) + ']'.repeat(6_000);
const utf8 = (value: string) => Buffer.from(value);
const body: fc.Arbitrary<Buffer> = fc.oneof(
	{ weight: 8, arbitrary: enveloped.map((value) => utf8(JSON.stringify(value) ?? '')) },
	{ weight: 4, arbitrary: lines.map((all) => utf8(`${all.join('\n')}\n`)) },
	{
		weight: 2,
		arbitrary: lines.map((all) =>
			utf8(all.map((data) => `event: x\r\ndata: ${data}\r\n\r\n`).join('')),
		),
	},
	enveloped.map((value) => utf8(`\ufeff${JSON.stringify(value)}`)),
	enveloped.map((value) => Buffer.from(`\ufeff${JSON.stringify(value)}`, 'utf16le')),
	enveloped.map((value) => halfOf(utf8(JSON.stringify(value) ?? ''))),
	fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
	fc.constantFrom('', '<html><body>Bad gateway</body></html>', 'no', 'null', '0').map(utf8),
	fc.constantFrom(DEEP, `{"id":"$ID","status":10,"output":${DEEP}}`).map(utf8),
	fc.constantFrom('['.repeat(6_000), '{"id":'.repeat(6_000), 'a'.repeat(1_000_000)).map(utf8),
);

const statusLine = mostly(
	fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.1 200', 'HTTP/1.1 201 Created'),
	fc
		.constantFrom(101, 204, 205, 206, 301, 302, 304, 307, 400, 401, 402, 403, 404, 407, 408, 409)
		.map((status) => `HTTP/1.1 ${status} So`),
	fc
		.constantFrom(410, 421, 422, 425, 429, 429, 499, 500, 500, 502, 503, 503, 504, 520, 599, 999)
		.map((status) => `HTTP/1.1 ${status} So`),
	fc.constantFrom(
		'HTTP/1.0 200 OK',
		'HTTP/2 200',
		'ICY 200 OK',
		'HTTP/1.1 abc',
		'HTTP/1.1 2000',
		'',
	),
);
const header = fc.oneof(
	fc
		.constantFrom(
			'0',
			'1',
			'-1',
			'soon',
			'1e9',
			'99999999999',
			'Thu, 01 Jan 1970 00:00:00 GMT',
			'3, 4',
		)
		.map((value) => `retry-after: ${value}`),
	fc.constantFrom('0', '1', '1e12', 'x').map((value) => `x-ratelimit-reset: ${value}`),
	fc
		.constantFrom('$URL/elsewhere', '/elsewhere', '//', 'ftp://x/', 'http://[::1', '$URL/\xe9', '')
		.map((value) => `location: ${value}`),
	fc
		.constantFrom(
			'attachment',
			"attachment; filename*=UTF-8''%E9%",
			'x; filename="\xe9\x01"',
			'=;;',
		)
		.map((value) => `content-disposition: ${value}`),
	fc.constantFrom(
		'content-type: text/html',
		'content-type: text/event-stream',
		'content-type: application/json; charset=utf-16',
		'content-type: \xff',
		'date: yesterday',
		'no colon',
		'a b: c',
		`x-long: ${'x'.repeat(20_000)}`,
		'connection: close',
		'trailer: x',
		'set-cookie: a=b',
	),
);
const headers = mostly(
	fc.constantFrom<string[]>(
		['content-type: application/json'],
		['content-type: application/x-ndjson'],
	),
	fc.array(header, { maxLength: 4 }),
);
const names = <T extends string>(table: Record<T, unknown>) => Object.keys(table) as T[];

/** Any answer. Most have few faults, so that clients come far enough to meet the others. */
export const anyAnswer: fc.Arbitrary<Answer> = fc.record({
	interim: mostly(
		fc.constant(''),
		fc.constantFrom(
			'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n',
			'HTTP/1.1 100 Continue\r\n\r\n',
			'\r\n',
		),
	),
	statusLine,
	headers,
	body,
	coding: mostly(fc.constant('none' as const), fc.constantFrom(...names(CODINGS))),
	framing: mostly(fc.constantFrom('length', 'chunked'), fc.constantFrom(...names(FRAMINGS))),
	sent: mostly(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
	pieces: mostly(fc.constant(1e9), fc.constantFrom(1, 7, 1_000)),
	ending: mostly(
		fc.constantFrom<Ending>('keep', 'close'),
		fc.constantFrom<Ending>('keep', 'close', 'reset', 'stall'),
	),
	early: mostly(fc.constant(false), fc.constant(true)),
});
