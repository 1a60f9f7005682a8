import { outcomeOf } from '../util/outcome';
import { hostDecompressor, type Decompressor } from './hostDecompression';
import { piecesOf, readableLike } from './pieces';
import {
	AnswerTooLargeError,
	asTransportError,
	TransportError,
	type BodyReader,
	type Readable,
	type ResponseBody,
	type TransportResponse,
} from './transport';

/** Codings that change the bytes (IANA's registry); others, such as `aws-chunked`, leave them alone. */
const FORMATS = new Map<string, 'gzip' | 'deflate' | 'brotli' | 'zstd' | undefined>([
	['gzip', 'gzip'],
	['x-gzip', 'gzip'],
	['deflate', 'deflate'],
	['br', 'brotli'],
	['zstd', 'zstd'],
	['compress', undefined],
	['x-compress', undefined],
]);
const MOST_CODINGS = 4;

/** What has to be taken off a body, the last applied first. */
export function compressionsOf({ headers }: Pick<TransportResponse, 'headers'>): readonly string[] {
	const named = headers.get('content-encoding');
	if (named === undefined) return [];
	return named
		.toLowerCase()
		.split(',')
		.map((coding) => coding.trim())
		.filter((coding) => FORMATS.has(coding))
		.reverse();
}

/** Undefined if bytes that begin like this are not compressed, whatever was said of them. */
function decompressorFor(
	coding: string,
	[first = 0, second = 0]: Uint8Array,
): Decompressor | undefined {
	const format = FORMATS.get(coding);
	if (format === 'gzip' && first !== 0x1f) return undefined;
	// The host's takes files of several parts, and what comes after their end, as browsers do.
	const ofHostFirst = format === 'gzip' ? hostDecompressor(format) : undefined;
	if (ofHostFirst) return ofHostFirst;
	// Many servers leave out what it should be wrapped in (RFC 9110, 8.4.1.2).
	const isBare = format === 'deflate' && ((first & 15) !== 8 || (first * 256 + second) % 31 !== 0);
	try {
		if (format && format !== 'zstd') {
			return new DecompressionStream(isBare ? 'deflate-raw' : format);
		}
	} catch {
		// Older Node.js versions have no brotli.
	}
	const ofHost = format && hostDecompressor(coding);
	if (ofHost) return ofHost;
	const problem = `the answer is compressed in a way that this n8n cannot read (${coding})`;
	throw new TransportError(problem, true, undefined);
}

/** Takes one compression off pieces of bytes, as they come and at the pace at which they are read. */
async function* decompressed(
	source: AsyncIterable<Uint8Array>,
	coding: string,
): AsyncGenerator<Uint8Array> {
	const pieces = source[Symbol.asyncIterator]();
	let head = Buffer.alloc(0);
	let next = await pieces.next();
	for (; !next.done && head.length < 2; next = await pieces.next()) {
		head = Buffer.concat([head, next.value]);
	}
	const all = async function* () {
		yield head;
		for (; !next.done; next = await pieces.next()) yield Buffer.from(next.value);
	};
	const decompressor = head.length === 0 ? undefined : decompressorFor(coding, head);
	if (!decompressor) return yield* all();
	const writer = decompressor.writable.getWriter();
	const reader = decompressor.readable.getReader();
	const feed = async () => {
		for await (const piece of all()) await writer.write(piece);
		await writer.close();
	};
	void outcomeOf(feed()).then(async (fed) => {
		if (!fed.ok) await outcomeOf(writer.abort(fed.error));
	});
	try {
		for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
	} finally {
		// Not waited for: it may wait for a piece that never comes.
		void outcomeOf(reader.cancel());
	}
}

function withoutAll(
	codings: readonly string[],
	source: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
	return codings.slice(0, MOST_CODINGS).reduce(decompressed, source);
}

/** Who watches what is read, and can end it. */
export interface StreamKeeper {
	/** Why it was ended. */
	readonly failure: Error | undefined;
	end(reason: Error): void;
}

/**
 * A stream without its compressions.
 *
 * @param codings of `compressionsOf`
 * @param onBytes told how many bytes have been read without them
 */
export function decompressedStream(
	stream: Readable,
	codings: readonly string[],
	watch: StreamKeeper,
	onBytes: (total: number) => void,
): Readable {
	const read = async function* () {
		let total = 0;
		try {
			for await (const piece of withoutAll(codings, piecesOf(stream))) {
				total += piece.byteLength;
				onBytes(total);
				if (watch.failure) throw watch.failure;
				yield piece;
			}
		} catch (error) {
			const broken = asTransportError(error);
			watch.end(broken);
			throw broken;
		}
	};
	return readableLike(stream, read());
}

/**
 * A body's pieces for whoever asks for them. They wait here, so there may not be more of them than
 * is wanted in the end: some compressed bytes stand for nothing at all.
 */
function piecesOfBody(body: ResponseBody, mostBytes: number): AsyncIterable<Uint8Array> {
	let size = 0;
	return new ReadableStream<Uint8Array>({
		start: (controller) =>
			body.read({
				piece: (chunk) => {
					size += chunk.byteLength;
					if (size <= mostBytes) return controller.enqueue(chunk);
					body.destroy();
					controller.error(new AnswerTooLargeError());
				},
				end: () => controller.close(),
				fail: (error) => controller.error(error),
			}),
	});
}

/** A body without its compressions. */
class DecompressedBody implements ResponseBody {
	private reader: BodyReader | undefined;
	private isRead = false;

	constructor(
		private readonly compressed: ResponseBody,
		private readonly codings: readonly string[],
		private readonly mostBytes: number,
	) {}

	read(reader: BodyReader): void {
		this.reader = reader;
		if (this.isRead) return;
		this.isRead = true;
		void this.pump();
	}

	destroy(): void {
		this.reader = undefined;
		this.compressed.destroy();
	}

	private async pump(): Promise<void> {
		const { compressed, codings, mostBytes } = this;
		const pumped = await outcomeOf(
			(async () => {
				for await (const piece of withoutAll(codings, piecesOfBody(compressed, mostBytes))) {
					if (!this.reader) return;
					this.reader.piece(piece);
				}
			})(),
		);
		const { reader } = this;
		if (pumped.ok) return reader?.end();
		this.destroy();
		reader?.fail(asTransportError(pumped.error));
	}
}

/** Whether bytes begin like gzip (RFC 1952, 2.3.1), as no text does. */
export function isGzip([first, second]: Uint8Array): boolean {
	return first === 0x1f && second === 0x8b;
}

/** What is left of bytes without gzip. */
export function gunzipped(bytes: Uint8Array): ResponseBody {
	const whole: ResponseBody = {
		read: (reader) => {
			reader.piece(bytes);
			reader.end();
		},
		destroy: () => {},
	};
	return new DecompressedBody(whole, ['gzip'], bytes.byteLength);
}

/**
 * The body of an answer, uncompressed: some servers compress without being asked to.
 *
 * @param mostBytes so many compressed bytes are read; more are an AnswerTooLargeError
 */
export function plainBody(response: TransportResponse, mostBytes = Infinity): ResponseBody {
	const { body } = response;
	const codings = compressionsOf(response);
	return codings.length === 0 ? body : new DecompressedBody(body, codings, mostBytes);
}
