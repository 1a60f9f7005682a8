import { isJsonObject, textOf, type JsonObject, parseJson } from '../util/json';
import { LineDecoder, MAX_LINE_LENGTH } from './lines';
import type { Update } from './update';

/** What a stream of the service says, whatever its format (API notes 4.2, 4.3). */
export type StreamEvent =
	/** A full or partial object; `event` is its table on chat and workspace streams. */
	| { readonly kind: 'update'; readonly event: string | undefined; readonly update: Update }
	/** A piece of a model's answer, before it is part of any object. */
	| {
			readonly kind: 'delta';
			readonly delta: JsonObject;
			readonly seq: number | undefined;
			readonly resourceId: string | undefined;
	  }
	| { readonly kind: 'heartbeat' }
	/** The service says that the stream is over. */
	| { readonly kind: 'done' }
	/** The service reports an error inside the stream. */
	| { readonly kind: 'error'; readonly payload: unknown }
	/** A line that cannot be understood; streams go on after it. */
	| { readonly kind: 'noise'; readonly line: string };

/** Turns lines into events. */
interface EventParser {
	line(line: string): readonly StreamEvent[];
	end(): readonly StreamEvent[];
}

function deltaFrom(value: JsonObject): StreamEvent | undefined {
	const delta = value['delta'];
	if (!isJsonObject(delta)) return undefined;
	const seq = value['seq'];
	return {
		kind: 'delta',
		delta,
		seq: typeof seq === 'number' ? seq : undefined,
		resourceId: textOf(value['resource_id']),
	};
}

function fieldNames(value: unknown): readonly string[] | undefined {
	if (!Array.isArray(value)) return undefined;
	return value.filter((name) => typeof name === 'string');
}

/** Error objects have a URL as `type`, or an `error`; a DTO of the service has an id. */
function isProblem(value: JsonObject): boolean {
	if ('id' in value) return false;
	if (isJsonObject(value['error']) || textOf(value['type'])?.includes('/errors/')) return true;
	// A task says more than that it has an error.
	return textOf(value['error']) !== undefined && !('status' in value || 'data' in value);
}

/** Reads one JSON object of a stream; `name` is the event name that the frame around it gave. */
function eventFrom(value: unknown, name: string | undefined, source: string): StreamEvent {
	if (!isJsonObject(value)) return { kind: 'noise', line: source };
	if (value['type'] === 'heartbeat' && !('id' in value)) return { kind: 'heartbeat' };
	if (isProblem(value)) return { kind: 'error', payload: value };
	const event = textOf(value['event']) ?? name;
	const data = value['data'];
	if (event === 'delta') {
		return deltaFrom(isJsonObject(data) ? data : value) ?? { kind: 'noise', line: source };
	}
	// What has an id is an object of the service, whatever else its fields are called.
	if ('id' in value) return { kind: 'update', event, update: { data: value } };
	if (isJsonObject(data)) {
		return { kind: 'update', event, update: { data, fields: fieldNames(value['fields']) } };
	}
	return deltaFrom(value) ?? { kind: 'update', event, update: { data: value } };
}

class NdjsonParser implements EventParser {
	line(line: string): readonly StreamEvent[] {
		const text = line.trim();
		if (text === '') return [];
		return [eventFrom(parseJson(text), undefined, line)];
	}

	end(): readonly StreamEvent[] {
		return [];
	}
}

/** Event names that mean a plain update of the task; no SDK knows them, the documentation does. */
const UPDATE_NAMES: ReadonlySet<string> = new Set(['message', 'update']);

/** What a line costs beside its text, in UTF-16 units: an event may have lines of nothing. */
const LINE_COST = 32;

class SseParser implements EventParser {
	private name: string | undefined;
	private data: string[] = [];
	private length = 0;

	line(line: string): readonly StreamEvent[] {
		if (line === '') return this.end();
		if (line.startsWith(':')) return [{ kind: 'heartbeat' }];
		const colon = line.indexOf(':');
		const field = colon === -1 ? line : line.slice(0, colon);
		const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
		if (field === 'event') this.name = value;
		else if (field === 'data') this.keep(value);
		else if (field !== 'id' && field !== 'retry') return [{ kind: 'noise', line }];
		return [];
	}

	end(): readonly StreamEvent[] {
		const { name } = this;
		const text = this.data.join('\n');
		const complete = this.data.length > 0 || name === 'done';
		this.name = undefined;
		this.data = [];
		this.length = 0;
		if (!complete) return [];
		if (name === 'done') return [{ kind: 'done' }];
		const value = parseJson(text);
		if (name === 'error') return [{ kind: 'error', payload: value ?? text }];
		const event = name === undefined || UPDATE_NAMES.has(name) ? undefined : name;
		return [eventFrom(value, event, text)];
	}

	private keep(value: string): void {
		this.length += value.length + LINE_COST;
		if (this.length > MAX_LINE_LENGTH) throw new RangeError('an event of the stream is too long');
		this.data.push(value);
	}
}

/**
 * Lines that may make no sense in one stream. To find that out of a line costs far more time than to read
 * it, and what has so many of them is no stream of events.
 */
const MOST_NOISE = 1_000;

/**
 * Decodes a stream's bytes, in whatever pieces they come. The format goes by the answer's content
 * type, whatever was asked for: old servers answer SSE to a request for NDJSON.
 */
export class EventDecoder {
	private readonly lines = new LineDecoder();
	private readonly parser: EventParser;
	private noise = 0;

	/** @param contentType the answer's `Content-Type` */
	constructor(contentType: string) {
		const sse = /\btext\/event-stream\b/i.test(contentType);
		this.parser = sse ? new SseParser() : new NdjsonParser();
	}

	/**
	 * Takes the next bytes and returns the events that they complete.
	 *
	 * @throws RangeError if a line or an event has no end, or too many lines make no sense
	 */
	push(chunk: Uint8Array): readonly StreamEvent[] {
		return this.parsed(this.lines.push(chunk));
	}

	/** Ends the stream and returns the events that were still open. */
	end(): readonly StreamEvent[] {
		return [...this.parsed(this.lines.flush()), ...this.parser.end()];
	}

	/** A loop, because `flatMap` costs thousands of streams of one line as much as parsing them. */
	private parsed(lines: readonly string[]): readonly StreamEvent[] {
		const events: StreamEvent[] = [];
		for (const line of lines) {
			const found = this.parser.line(line);
			if (found[0]?.kind === 'noise' && ++this.noise > MOST_NOISE) {
				throw new RangeError('the stream makes no sense');
			}
			events.push(...found);
		}
		return events;
	}
}
