/** Whatever comes over the wire is decoded, or is an error of ours: no decoder throws anything else. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { messageFromWire, runFromWire, pendingCalls } from '../../nodes/client/agents/chat.ts';
import { Turn } from '../../nodes/client/agents/turn.ts';
import { verdictOf } from '../../nodes/client/agents/turnVerdict.ts';
import { decodeReply } from '../../nodes/client/api/envelope.ts';
import { readProblem } from '../../nodes/client/api/problem.ts';
import { requestedDelay, rateLimitReset } from '../../nodes/client/api/retryTiming.ts';
import { appFromWire, functionOf } from '../../nodes/client/apps/appInfo.ts';
import { readForm } from '../../nodes/client/apps/inputSchema.ts';
import { findFiles } from '../../nodes/client/files/findFiles.ts';
import { DeltaAccumulator, responseText } from '../../nodes/client/follow/deltas.ts';
import { EventDecoder, type StreamEvent } from '../../nodes/client/follow/streamEvents.ts';
import { taskFromWire } from '../../nodes/client/tasks/task.ts';
import { readText } from '../../nodes/client/transport/body.ts';
import { plainBody } from '../../nodes/client/transport/decompression.ts';
import { headersOf } from '../../nodes/client/transport/headers.ts';
import type { BodyReader } from '../../nodes/client/transport/transport.ts';
import { TransportError } from '../../nodes/client/transport/transport.ts';
import { asJsonObject } from '../../nodes/client/util/json.ts';
import { outcomeOf } from '../../nodes/client/util/outcome.ts';
import { LogLines } from '../../nodes/StreamTask/logLines.ts';
import { anyAnswer, bodyOf, nonsense, wireObject } from './fuzz/answers.mts';

const numRuns = Number(process.env['FUZZ_ROUNDS'] ?? 300);
/** A value of the wire: an object of the service, or anything. */
const wire = fc.oneof(wireObject, nonsense);
const size = fc.integer({ min: 1, max: 50 });
const contentType = fc.constantFrom('text/event-stream', 'application/x-ndjson', '', '\xff');

function eventsOf(type: string, pieces: readonly Uint8Array[]): StreamEvent[] {
	const decoder = new EventDecoder(type);
	return [...pieces.flatMap((piece) => [...decoder.push(piece)]), ...decoder.end()];
}

function cut(bytes: Buffer, length: number): Buffer[] {
	const count = Math.ceil(bytes.length / length);
	return Array.from({ length: count }, (_, at) => bytes.subarray(at * length, (at + 1) * length));
}

/** Bodies and streams of the service, sound ones and others. */
const bytes = anyAnswer.map(({ body }) => body.subarray(0, 20_000));

it('streams give the same events however their bytes are cut', () => {
	fc.assert(
		fc.property(bytes, contentType, size, (body, type, length) => {
			// Too deep for the test's own comparison.
			fc.pre(!body.includes('[[[[[[['));
			expect(eventsOf(type, cut(body, length))).toEqual(eventsOf(type, [body]));
		}),
		{ numRuns },
	);
});

it('whatever a stream says, a turn takes it, and knows where it stands', () => {
	const ref = { chatId: '$ID', userMessageId: 'u1', assistantMessageId: '$ID', answered: [] };
	fc.assert(
		fc.property(bytes, contentType, wireObject, (body, type, chat) => {
			const turn = new Turn(ref);
			turn.readChat({ ...chat });
			for (const event of eventsOf(type, [body])) {
				if (event.kind === 'update' || event.kind === 'delta') turn.take(event);
				// What it remembers is what it would find out anew.
				expect(turn.verdict()).toEqual(verdictOf(turn));
			}
			expect(turn.answers.length).toBeLessThanOrEqual(turn.all.length);
			expect(turn.pending).toBeInstanceOf(Array);
		}),
		{ numRuns },
	);
});

it('values of the wire are read or left', () => {
	fc.assert(
		fc.property(wire, wire, (value, other) => {
			const object = asJsonObject(value) ?? {};
			const { value: inner } = decodeReply(value);
			readProblem(value);
			taskFromWire(inner);
			runFromWire(inner);
			const message = messageFromWire(inner);
			pendingCalls(message ? [message] : [], other);
			functionOf(appFromWire(object), undefined);
			readForm(object);
			findFiles(value, { schema: asJsonObject(other), baseUrl: 'http://127.0.0.1' });
			new LogLines().see(value);
			const deltas = new DeltaAccumulator('late');
			deltas.push(object, 2);
			deltas.reset(responseText(other) ?? '');
			deltas.push(object, 5);
		}),
		{ numRuns },
	);
});

it('headers give times or none', () => {
	const text = fc.oneof(
		fc.string(),
		fc.double().map(String),
		fc.date({ noInvalidDate: true }).map(String),
	);
	fc.assert(
		fc.property(text, text, (one, other) => {
			const values = { 'retry-after': one, 'retry-after-ms': other, 'x-ratelimit-reset': other };
			const headers = headersOf(values);
			for (const ms of [requestedDelay(headers, 0), rateLimitReset(headers, 0)]) {
				if (ms !== undefined) expect(ms).toBeGreaterThanOrEqual(0);
			}
		}),
		{ numRuns },
	);
});

it('compressed bodies are a text or a TransportError, whatever is said of their coding', async () => {
	const coding = fc.constantFrom(
		'gzip',
		'deflate',
		'br',
		'zstd',
		'gzip, br',
		'x-gzip, gzip',
		'odd',
	);
	const limits = { bytes: 60_000, ms: 60_000, mayBeCut: false };
	const property = fc.asyncProperty(anyAnswer, coding, size, async (answer, named, length) => {
		const pieces = cut(bodyOf(answer), length * 1_000);
		const body = {
			read: (reader: BodyReader) => {
				for (const piece of pieces) reader.piece(piece);
				reader.end();
			},
			destroy: () => {},
		};
		const headers = headersOf({ 'content-encoding': named });
		const read = await outcomeOf(readText(plainBody({ status: 200, headers, body }), limits));
		if (!read.ok) expect(read.error).toBeInstanceOf(TransportError);
	});
	await fc.assert(property, { numRuns });
});
