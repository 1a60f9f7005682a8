import { monotonicNow } from '../util/clock';
import { timerFor } from '../util/deadline';
import { encodingOf } from './textEncoding';
import { gunzipped, isGzip, plainBody } from './decompression';
import {
	AnswerTooLargeError,
	asTransportError,
	TransportError,
	type ResponseBody,
	type TransportResponse,
} from './transport';

/** How much of a body is read as one piece. */
export interface TextLimits {
	readonly bytes: number;
	/** A body that is still arriving after this long is given up, however steadily it drips. */
	readonly ms: number;
	/** Whether the beginning of a longer one will do; else it is an error. */
	readonly mayBeCut: boolean;
}

const MB = 1024 * 1024;
/** Outputs are texts, and large data is in files; a page has up to 100 tasks with inputs and outputs. */
const ANSWER: TextLimits = { bytes: 64 * MB, ms: 120_000, mayBeCut: false };
/** A list of what is missing may be long, but no more is said of it to anybody. */
const REFUSAL: TextLimits = { bytes: MB / 4, ms: 10_000, mayBeCut: true };
/** How long a stream that has said all is given to end by itself, so that its connection stays usable. */
const FAREWELL_MS = 250;
const FAREWELL_STEP_MS = 50;
/** And how much it may still say. */
const FAREWELL_BYTES = MB / 16;

/** A decoder leaves out a byte order mark, but takes longer. */
function textOf(bytes: Buffer): string {
	const encoding = encodingOf(bytes);
	const isPlain = encoding === 'utf-8' && bytes[0] !== 0xef;
	return isPlain ? bytes.toString('utf8') : new TextDecoder(encoding).decode(bytes);
}

/**
 * Reads a success as text.
 *
 * @throws AnswerTooLargeError above 64 MB; TransportError
 */
export async function readAnswer(response: TransportResponse): Promise<string> {
	return await readText(plainBody(response, ANSWER.bytes), ANSWER);
}

/**
 * Reads what a refusal says: of an endless one the first 256 kB, of a slow one what comes in ten
 * seconds.
 *
 * @throws TransportError if it breaks off
 */
export async function readRefusal(response: TransportResponse): Promise<string> {
	return await readText(plainBody(response, REFUSAL.bytes), REFUSAL);
}

/**
 * Reads a body as text. Silence is the transport's business.
 *
 * @param mayBeGzip whether it is looked if it is gzip: some gateways compress and do not say so
 * @throws AnswerTooLargeError if it is longer than may be, and may not be cut; TransportError
 */
export function readText(
	body: ResponseBody,
	limits: TextLimits,
	mayBeGzip = true,
): Promise<string> {
	return new Promise((resolve, reject) => {
		const pieces: Uint8Array[] = [];
		const started = monotonicNow();
		let size = 0;
		const done = () => {
			const [only] = pieces;
			const whole = only && pieces.length === 1 ? only : Buffer.concat(pieces);
			if (mayBeGzip && isGzip(whole)) return resolve(readText(gunzipped(whole), limits, false));
			resolve(textOf(Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength)));
		};
		const cutOff = (problem: TransportError) => {
			body.destroy();
			if (limits.mayBeCut) done();
			else reject(problem);
		};
		body.read({
			piece: (piece) => {
				size += piece.byteLength;
				pieces.push(piece);
				if (size > limits.bytes) cutOff(new AnswerTooLargeError());
				else if (monotonicNow() - started > limits.ms) {
					cutOff(new TransportError('the answer arrives too slowly', true, undefined));
				}
			},
			end: done,
			fail: (error) => {
				if (error instanceof AnswerTooLargeError) cutOff(error);
				else reject(asTransportError(error));
			},
		});
	});
}

/**
 * Hands the pieces of a body on as they arrive, until it ends or the reader has had enough.
 *
 * @param onPiece returns whether to go on
 * @throws TransportError if the body breaks off; what `onPiece` throws
 */
export function readPieces(
	body: ResponseBody,
	onPiece: (piece: Uint8Array) => boolean,
): Promise<void> {
	return new Promise((resolve, reject) => {
		body.read({
			piece: (piece) => {
				try {
					if (onPiece(piece)) return;
					letGo(body);
					resolve();
				} catch (error) {
					body.destroy();
					reject(error);
				}
			},
			end: resolve,
			fail: (error) => reject(asTransportError(error)),
		});
	});
}

/**
 * Lets go of a body that is not needed any more: it may end by itself for a moment, which keeps
 * its connection for the next request, and is cut off after that, or if it goes on talking.
 */
export function letGo(body: ResponseBody): void {
	const farewell = timerFor(FAREWELL_MS, FAREWELL_STEP_MS);
	const cutOff = () => body.destroy();
	const done = () => farewell.removeEventListener('abort', cutOff);
	farewell.addEventListener('abort', cutOff);
	let size = 0;
	const piece = ({ byteLength }: Uint8Array) => {
		size += byteLength;
		if (size <= FAREWELL_BYTES) return;
		done();
		cutOff();
	};
	body.read({ piece, end: done, fail: done });
}
