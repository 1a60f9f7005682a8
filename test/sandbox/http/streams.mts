/** Writing event streams: NDJSON lines or SSE frames, heartbeats, and what can go wrong. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import type { SandboxSettings, StreamFaultOptions } from '../types.mts';

/** One update, before it is framed. */
export interface StreamMessage {
	/** Typed event such as `delta`; none for a task's own updates. */
	readonly event?: string;
	readonly data: unknown;
	/** Which top-level fields of `data` changed; absent for a full snapshot. */
	readonly fields?: readonly string[];
	readonly terminal?: boolean;
	/** What the terminal message shrinks to when its output is withheld. */
	readonly bare?: StreamMessage;
}

export type StreamFormat = 'ndjson' | 'sse';

export interface StreamOptions {
	readonly format: StreamFormat;
	readonly sseEvents: SandboxSettings['sseEvents'];
	readonly heartbeatMs: number;
	/** Written before the end, as it is. */
	readonly farewell?: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly fault?: StreamFaultOptions | undefined;
	/** Called once when the stream is over, whoever ended it. */
	readonly onClose?: () => void;
}

const GARBAGE = [
	'{"data":{"status":7,"logs":[{"content":"cut',
	'',
	'<html><body>502</body></html>',
];
/** Turns of the event loop in which a peer of this process reads what has been sent to it. */
const TURNS_TO_READ = 20;
/** The same for a peer elsewhere. */
const TIME_TO_READ_MS = 5;

/** The format the client gets: what it accepts, unless the settings overrule it. */
export function negotiate(
	accept: string | undefined,
	setting: SandboxSettings['streamFormat'],
): StreamFormat {
	if (setting !== 'negotiate') return setting;
	return accept !== undefined && /application\/(x-ndjson|jsonl)/i.test(accept) ? 'ndjson' : 'sse';
}

async function nextTurn(): Promise<void> {
	await new Promise<void>((next) => setImmediate(next));
}

/** An RST throws away what the peer has not read yet. */
async function letPeerRead(): Promise<void> {
	await sleep(TIME_TO_READ_MS);
	for (let turn = 0; turn < TURNS_TO_READ; turn++) await nextTurn();
}

function payload(message: StreamMessage): unknown {
	return message.fields === undefined
		? message.data
		: { data: message.data, fields: message.fields };
}

function frame(message: StreamMessage, options: StreamOptions): string {
	if (options.format === 'ndjson') {
		const { event } = message;
		if (event === undefined) return `${JSON.stringify(payload(message))}\n`;
		const { data, fields } = message;
		return `${JSON.stringify(fields === undefined ? { event, data } : { event, data, fields })}\n`;
	}
	const event = message.event ?? (options.sseEvents === 'named' ? 'update' : undefined);
	const name = event === undefined ? '' : `event: ${event}\n`;
	return `${name}data: ${JSON.stringify(payload(message))}\n\n`;
}

/** One open response that updates are written to. */
export class StreamWriter {
	private readonly response: ServerResponse;
	private readonly options: StreamOptions;
	private readonly fault: StreamFaultOptions;
	private heartbeat: NodeJS.Timeout | undefined;
	private lines = 0;
	private silent = false;
	private ended = false;
	private closed = false;
	/** Bytes that wait for their turn while they are written one by one. */
	private backlog: Promise<void> | undefined;

	constructor(response: ServerResponse, options: StreamOptions) {
		this.response = response;
		this.fault = options.fault ?? {};
		const { format, heartbeatMs } = this.fault;
		this.options = {
			...options,
			format: format ?? options.format,
			heartbeatMs: heartbeatMs ?? options.heartbeatMs,
		};
		response.on('close', () => this.dispose());
	}

	/** Sends the headers; call before anything else. */
	open(): void {
		this.response.writeHead(200, {
			'content-type':
				this.options.format === 'ndjson' ? 'application/x-ndjson' : 'text/event-stream',
			'cache-control': 'no-cache',
			...this.options.headers,
		});
		if (this.options.fault) {
			this.response.flushHeaders();
			this.breakDown();
		}
	}

	/** Keeps the stream alive while nothing happens. */
	startHeartbeats(): void {
		if (this.ended || this.silent) return;
		this.response.flushHeaders();
		this.heartbeat = setInterval(() => {
			this.write(this.options.format === 'ndjson' ? '{"type":"heartbeat"}\n' : ': heartbeat\n\n');
		}, this.options.heartbeatMs);
	}

	/** Sends one update, as far as the fault lets it. */
	send(message: StreamMessage): void {
		if (this.ended || this.silent) return;
		if (this.options.fault === undefined) {
			this.response.write(frame(message, this.options));
			return;
		}
		const { fault } = this;
		if (fault.onlyHeartbeats) return;
		if (message.terminal && fault.omitTerminal) return;
		const shown = fault.omitTerminalOutput ? (message.bare ?? message) : message;
		let text = frame(shown, this.options);
		if (fault.noFinalNewline && message.terminal) text = text.trimEnd();
		for (let copy = 0; copy < (fault.duplicate ? 2 : 1); copy++) {
			if (this.ended || this.silent) return;
			this.write(text);
			this.lines++;
			this.breakDown();
		}
	}

	/** Ends the stream cleanly. */
	end(): void {
		if (this.ended || this.silent || this.fault.onlyHeartbeats) return;
		const named = this.options.format === 'sse' && this.options.sseEvents === 'named';
		if (named && !this.fault.omitTerminal && !this.fault.noFinalNewline) {
			this.write('event: done\ndata: {}\n\n');
		}
		if (this.options.farewell !== undefined) this.write(this.options.farewell);
		this.finish(() => this.response.end());
	}

	private breakDown(): void {
		const { garbageAfter, closeAfter, resetAfter, stallAfter } = this.fault;
		if (garbageAfter === this.lines) {
			const sse = this.options.format === 'sse';
			for (const line of GARBAGE)
				this.write(sse && line !== '' ? `data: ${line}\n\n` : `${line}\n`);
		}
		if (closeAfter === this.lines) this.finish(() => this.response.end());
		if (resetAfter === this.lines) {
			this.finish(() => {
				void letPeerRead().then(() => this.response.socket?.resetAndDestroy());
			});
		}
		if (stallAfter === this.lines) {
			this.silent = true;
			clearInterval(this.heartbeat);
		}
	}

	private write(text: string): void {
		if (this.ended) return;
		const out = this.fault.crlf ? text.replaceAll('\n', '\r\n') : text;
		if (!this.fault.byteByByte) {
			this.response.write(out);
			return;
		}
		const before = this.backlog ?? Promise.resolve();
		this.backlog = before.then(() => this.writeBytes(Buffer.from(out)));
	}

	private async writeBytes(bytes: Buffer): Promise<void> {
		this.response.socket?.setNoDelay(true);
		for (const byte of bytes) {
			if (this.closed) return;
			this.response.write(Buffer.of(byte));
			// Writes of one turn of the event loop would share a packet.
			await nextTurn();
		}
	}

	private finish(last: () => void): void {
		this.ended = true;
		clearInterval(this.heartbeat);
		if (this.backlog) void this.backlog.then(last);
		else last();
	}

	private dispose(): void {
		if (this.closed) return;
		this.closed = true;
		this.ended = true;
		clearInterval(this.heartbeat);
		this.options.onClose?.();
	}
}
