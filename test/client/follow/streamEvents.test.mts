import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventDecoder, type StreamEvent } from '../../../nodes/client/follow/streamEvents.ts';

const NDJSON = 'application/x-ndjson';
const SSE = 'text/event-stream';

function* cut(text: string, sizes: readonly number[] = [65_536]): Generator<Uint8Array> {
	const bytes = new TextEncoder().encode(text);
	for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
		const size = sizes[turn % sizes.length] ?? 1;
		yield bytes.subarray(at, at + size);
		at += size;
	}
}

function events(text: string, contentType: string, sizes?: readonly number[]): StreamEvent[] {
	const found: StreamEvent[] = [];
	const decoder = new EventDecoder(contentType);
	for (const chunk of cut(text, sizes)) found.push(...decoder.push(chunk));
	found.push(...decoder.end());
	return found;
}

const update = (
	data: Readonly<Record<string, unknown>>,
	fields?: readonly string[],
	event?: string,
): StreamEvent => ({ kind: 'update', event, update: { data, fields } });
const delta = (
	said: Readonly<Record<string, unknown>>,
	seq?: number,
	resourceId?: string,
): StreamEvent => ({ kind: 'delta', delta: said, seq, resourceId });

/** API notes 4.2: what one JSON object of a stream means, whatever frame is around it. */
const OBJECTS: ReadonlyArray<readonly [what: string, wire: unknown, event: StreamEvent]> = [
	['a heartbeat', { type: 'heartbeat' }, { kind: 'heartbeat' }],
	['a bare snapshot', { id: 't1', status: 1 }, update({ id: 't1', status: 1 })],
	['a wrapped snapshot', { data: { id: 't1', status: 7 } }, update({ id: 't1', status: 7 })],
	[
		'a partial',
		{ data: { id: 't1', status: 2, output: null }, fields: ['status'] },
		update({ id: 't1', status: 2, output: null }, ['status']),
	],
	['a partial that changes nothing', { data: { id: 't1' }, fields: [] }, update({ id: 't1' }, [])],
	['a snapshot with a null list of fields', { data: { a: 1 }, fields: null }, update({ a: 1 })],
	[
		'a list of fields with something else in it',
		{ data: { a: 1 }, fields: ['a', 7, null] },
		update({ a: 1 }, ['a']),
	],
	[
		'a typed event',
		{ event: 'chats', data: { id: 'c1', status: 'busy' } },
		update({ id: 'c1', status: 'busy' }, undefined, 'chats'),
	],
	[
		'a typed partial',
		{ event: 'chat_messages', data: { id: 'm2', status: 'ready' }, fields: ['status'] },
		update({ id: 'm2', status: 'ready' }, ['status'], 'chat_messages'),
	],
	[
		'a wrapped delta',
		{ event: 'delta', data: { delta: { response: 'Hel' }, seq: 1, resource_id: 'm2' } },
		delta({ response: 'Hel' }, 1, 'm2'),
	],
	[
		'a wrapped delta without a number',
		{ event: 'delta', data: { delta: { response: 'x' } } },
		delta({ response: 'x' }),
	],
	['a bare delta', { delta: { response: 'lo' }, seq: 2 }, delta({ response: 'lo' }, 2)],
	[
		'a task whose app has a field called type',
		{ id: 't1', type: 'heartbeat', status: 7 },
		update({ id: 't1', type: 'heartbeat', status: 7 }),
	],
	[
		'an object with an id and a field called data, which is its own',
		{ id: 'i1', data: { x: 1 }, status: 'done' },
		update({ id: 'i1', data: { x: 1 }, status: 'done' }),
	],
	[
		'an object with an id and a field called delta, which is its own',
		{ id: 't1', status: 7, delta: { x: 1 } },
		update({ id: 't1', status: 7, delta: { x: 1 } }),
	],
	[
		'a stray error',
		{ error: 'stream broken' },
		{ kind: 'error', payload: { error: 'stream broken' } },
	],
	[
		'a task that has an error',
		{ status: 10, error: 'out of memory' },
		update({ status: 10, error: 'out of memory' }),
	],
	[
		'a problem report',
		{ type: 'https://api.inference.sh/errors/not_found', title: 'Not found', status: 404 },
		{
			kind: 'error',
			payload: {
				type: 'https://api.inference.sh/errors/not_found',
				title: 'Not found',
				status: 404,
			},
		},
	],
];

describe('the meaning of an object', () => {
	it.each(OBJECTS)('is %s, as a line', async (_what, wire, event) => {
		expect(events(`${JSON.stringify(wire)}\n`, NDJSON)).toEqual([event]);
	});

	it.each(OBJECTS)('is %s, as a frame', async (_what, wire, event) => {
		expect(events(`data: ${JSON.stringify(wire)}\n\n`, SSE)).toEqual([event]);
	});
});

describe('NDJSON', () => {
	it('passes over blank lines', async () => {
		expect(events('\n  \n\r\n{"id":"t1"}\n\n', NDJSON)).toEqual([update({ id: 't1' })]);
	});

	it('understands a last line without an end', async () => {
		expect(events('{"id":"t1"}\n{"id":"t2"}', NDJSON)).toEqual([
			update({ id: 't1' }),
			update({ id: 't2' }),
		]);
	});

	it.each([
		['HTML', '<html><body>502</body></html>'],
		['half an object', '{"id":"t1","sta'],
		['a number', '7'],
		['null', 'null'],
		['a list', '[{"id":"t1"}]'],
		['a text', '"t1"'],
	])('goes on after %s', async (_what, line) => {
		expect(events(`${line}\n{"id":"t1"}\n`, NDJSON)).toEqual([
			{ kind: 'noise', line },
			update({ id: 't1' }),
		]);
	});

	it('takes a delta that has nothing in it for noise', async () => {
		const line = '{"event":"delta","data":{"seq":3}}';
		expect(events(line, NDJSON)).toEqual([{ kind: 'noise', line }]);
	});

	it('reads the transcript of a task', async () => {
		const lines = [
			'{"id":"t1","short_id":"t","status":1,"input":{"prompt":"x"},"output":null,"logs":[],"session_id":"sess_9"}',
			'{"data":{"id":"t1","status":2},"fields":["status"]}',
			'{"type":"heartbeat"}',
			'{"data":{"status":7,"logs":[{"log_type":1,"content":"step 1/4"}]},"fields":["status","logs"]}',
			'{"event":"delta","data":{"delta":{"response":"Hel"},"seq":1}}',
			'{"event":"delta","data":{"delta":{"response":"lo"},"seq":2}}',
			'{"data":{"status":10,"output":{"response":"Hello"}},"fields":["status","output"]}',
		];
		const found = events(`${lines.join('\n')}\n`, NDJSON);
		expect(found.map((event) => event.kind)).toEqual([
			'update',
			'update',
			'heartbeat',
			'update',
			'delta',
			'delta',
			'update',
		]);
		expect(found.at(-1)).toEqual(
			update({ status: 10, output: { response: 'Hello' } }, ['status', 'output']),
		);
	});
});

describe('SSE', () => {
	it.each<[what: string, frames: string, found: StreamEvent[]]>([
		['a comment as a heartbeat', ': heartbeat\n\n', [{ kind: 'heartbeat' }]],
		[
			'a comment inside a frame',
			'data: {"id":\n: hi\ndata: 1}\n\n',
			[{ kind: 'heartbeat' }, update({ id: 1 })],
		],
		['an event called message', 'event: message\ndata: {"id":"t1"}\n\n', [update({ id: 't1' })]],
		[
			'an event called update',
			'event: update\ndata: {"data":{"id":"t1","status":7},"fields":["status"]}\n\n',
			[update({ id: 't1', status: 7 }, ['status'])],
		],
		['the end of the stream', 'event: done\ndata: {}\n\n', [{ kind: 'done' }]],
		['the end of the stream without data', 'event: done\n\n', [{ kind: 'done' }]],
		['the end of the stream without a blank line', 'event: done\ndata: {}', [{ kind: 'done' }]],
		[
			'an error',
			'event: error\ndata: {"detail":"gone"}\n\n',
			[{ kind: 'error', payload: { detail: 'gone' } }],
		],
		[
			'an error in plain text',
			'event: error\ndata: gone\n\n',
			[{ kind: 'error', payload: 'gone' }],
		],
		[
			'an event of a table',
			'event: chats\ndata: {"id":"c1"}\n\n',
			[update({ id: 'c1' }, undefined, 'chats')],
		],
		[
			'a delta named by its frame',
			'event: delta\ndata: {"delta":{"response":"x"},"seq":4}\n\n',
			[delta({ response: 'x' }, 4)],
		],
		[
			'an event name inside the data before the one of the frame',
			'event: message\ndata: {"event":"agent_runs","data":{"id":"r1"}}\n\n',
			[update({ id: 'r1' }, undefined, 'agent_runs')],
		],
		[
			'several data lines as one',
			'data: {"id":\ndata: "t1",\ndata:  "status": 7}\n\n',
			[update({ id: 't1', status: 7 })],
		],
		['data without a space after the colon', 'data:{"id":"t1"}\n\n', [update({ id: 't1' })]],
		[
			'frames with id and retry',
			'id: 7\nretry: 3000\ndata: {"id":"t1"}\n\n',
			[update({ id: 't1' })],
		],
		['CRLF', 'event: update\r\ndata: {"id":"t1"}\r\n\r\n', [update({ id: 't1' })]],
		['several blank lines', '\n\n\ndata: {"id":"t1"}\n\n\n\n', [update({ id: 't1' })]],
		['a frame that has a name but no data as nothing', 'event: update\n\n', []],
		[
			'a name only once',
			'event: chats\ndata: {"id":"c1"}\n\ndata: {"id":"t1"}\n\n',
			[update({ id: 'c1' }, undefined, 'chats'), update({ id: 't1' })],
		],
		['a last frame without its blank line', 'data: {"id":"t1"}\n', [update({ id: 't1' })]],
		[
			'a line that is no field, and goes on',
			'<html>\ndata: {"id":"t1"}\n\n',
			[{ kind: 'noise', line: '<html>' }, update({ id: 't1' })],
		],
		[
			'broken data, and goes on',
			'data: {"id\n\ndata: {"id":"t1"}\n\n',
			[{ kind: 'noise', line: '{"id' }, update({ id: 't1' })],
		],
	])('reads %s', async (_what, frames, found) => {
		expect(events(frames, SSE)).toEqual(found);
	});
});

describe('the format', () => {
	it.each([
		['text/event-stream', true],
		['text/event-stream; charset=utf-8', true],
		['Text/Event-Stream', true],
		['application/x-ndjson', false],
		['application/jsonl; charset=utf-8', false],
		['application/json', false],
		['', false],
	])('of "%s" is told by the content type, whatever was asked for', async (type, isSse) => {
		const frame = 'data: {"id":"t1"}\n\n';
		expect(events(frame, type).map((event) => event.kind)).toEqual([isSse ? 'update' : 'noise']);
	});
});

describe('any stream', () => {
	const key = fc.string({ unit: 'grapheme', maxLength: 5 }).filter((name) => name !== '__proto__');
	const content = fc.dictionary(key, fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: true });
	const name = fc.constantFrom('chats', 'chat_messages', 'agent_runs');
	const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 });
	const fields = fc.array(key, { maxLength: 3 });

	const wireAndEvent = fc.oneof(
		fc.constant({ wire: { type: 'heartbeat' }, event: { kind: 'heartbeat' } as StreamEvent }),
		// Fields named like parts of the protocol are in the table above.
		fc.record({ id, content }).map((given) => {
			const data = { note: given.content, id: given.id };
			return { wire: data, event: update(data) };
		}),
		fc.record({ content, fields }).map((given) => ({
			wire: { data: given.content, fields: given.fields },
			event: update(given.content, given.fields),
		})),
		fc.record({ name, content }).map((given) => ({
			wire: { event: given.name, data: given.content },
			event: update(given.content, undefined, given.name),
		})),
		fc.record({ content, seq: fc.nat(), id }).map((given) => ({
			wire: {
				event: 'delta',
				data: { delta: given.content, seq: given.seq, resource_id: given.id },
			},
			event: delta(given.content, given.seq, given.id),
		})),
	);
	const stream = fc.array(wireAndEvent, { maxLength: 12 });
	const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 });
	const lineEnd = fc.constantFrom('\n', '\r\n');
	/** JSON texts come back without `-0` and the like. */
	const wired = (event: StreamEvent): unknown => JSON.parse(JSON.stringify(event));

	it('of lines gives the same events however its bytes are cut', async () => {
		await fc.assert(
			fc.asyncProperty(stream, sizes, lineEnd, fc.boolean(), async (all, some, end, complete) => {
				const text = all.map(({ wire }) => JSON.stringify(wire)).join(end) + (complete ? end : '');
				const found = events(text, NDJSON, some);
				expect(found.map(wired)).toEqual(all.map(({ event }) => wired(event)));
			}),
		);
	});

	it('of frames gives the same events however its bytes are cut', async () => {
		await fc.assert(
			fc.asyncProperty(stream, sizes, lineEnd, fc.boolean(), async (all, some, end, pretty) => {
				const frames = all.map(({ wire }) =>
					JSON.stringify(wire, undefined, pretty ? 1 : 0)
						.split('\n')
						.map((line) => `data: ${line}${end}`)
						.join(''),
				);
				const found = events(frames.map((frame) => frame + end).join(''), SSE, some);
				expect(found.map(wired)).toEqual(all.map(({ event }) => wired(event)));
			}),
		);
	});
});

describe('An event without an end', () => {
	const MEGABYTE = 1024 * 1024;

	it.each([
		['long lines', `data: ${'a'.repeat(MEGABYTE)}\n`, 65],
		['short lines', 'data: a\n'.repeat(MEGABYTE / 8), 33],
		['lines of nothing', 'data:\n'.repeat(MEGABYTE / 6), 33],
	])('in %s is refused before it fills the memory', (_what, text, most) => {
		const decoder = new EventDecoder(SSE);
		const piece = new TextEncoder().encode(text);
		const endless = () => {
			for (let count = 0; count < most; count += 1) decoder.push(piece);
		};
		expect(endless).toThrow(RangeError);
	});

	it('is another thing than a stream of many events', () => {
		const decoder = new EventDecoder(SSE);
		const piece = new TextEncoder().encode(`data: {"a":"${'a'.repeat(MEGABYTE)}"}\n\n`);
		let count = 0;
		for (let turn = 0; turn < 80; turn += 1) count += decoder.push(piece).length;
		expect(count).toBe(80);
	});
});

describe('A stream that makes no sense', () => {
	const lines = (line: string, count: number) => new TextEncoder().encode(line.repeat(count));

	it.each([
		['lines that are no JSON', NDJSON, 'x\n'],
		['lines that begin like JSON', NDJSON, '{"a\n'],
		['frames that are no JSON', SSE, 'data: x\n\n'],
		['fields that no frame has', SSE, 'x\n'],
	])('of %s is not read to its end', (_what, type, line) => {
		const decoder = new EventDecoder(type);
		expect(() => decoder.push(lines(line, 2_000))).toThrow(RangeError);
	});

	it('is another thing than one with a bad line now and then', () => {
		const decoder = new EventDecoder(NDJSON);
		const found = decoder.push(lines('x\n{"id":"t1"}\n', 500));
		expect(found.filter(({ kind }) => kind === 'update')).toHaveLength(500);
	});
});
