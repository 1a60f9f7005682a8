import { monotonicNow } from '../util/clock';
import { timerFor } from '../util/deadline';
import { encodingOf } from './textEncoding';
import { asTransportError, type ResponseBody } from './transport';

/** Largest answer that is read as one piece, bytes. */
const MAX_BODY_BYTES = 256 * 1024 * 1024;
/** How long a stream that has said all is given to end by itself, so that its connection stays usable. */
const FAREWELL_MS = 250;
const FAREWELL_STEP_MS = 50;

/** A decoder leaves out a byte order mark, but takes longer. */
function textOf(bytes: Buffer): string {
	const encoding = encodingOf(bytes);
	const isPlain = encoding === 'utf-8' && bytes[0] !== 0xef;
	return isPlain ? bytes.toString('utf8') : new TextDecoder(encoding).decode(bytes);
}

/**
 * Reads a whole body as text.
 *
 * @param limitMs an answer that is still arriving after this long is given up, however steadily it
 * drips; silence is the transport's business
 * @throws TransportError
 */
export function readText(body: ResponseBody, limitMs: number): Promise<string> {
	return new Promise((resolve, reject) => {
		const pieces: Uint8Array[] = [];
		const started = monotonicNow();
		let size = 0;
		const cutOff = (problem: string) => {
			body.destroy();
			reject(asTransportError(new Error(problem)));
		};
		body.read({
			piece: (piece) => {
				size += piece.byteLength;
				if (size > MAX_BODY_BYTES) cutOff('the answer is too large');
				else if (monotonicNow() - started > limitMs) cutOff('the answer arrives too slowly');
				else pieces.push(piece);
			},
			end: () => {
				const [only] = pieces;
				const whole = only && pieces.length === 1 ? only : Buffer.concat(pieces);
				resolve(textOf(Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength)));
			},
			fail: (error) => reject(asTransportError(error)),
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
 * its connection for the next request, and is cut off after that.
 */
export function letGo(body: ResponseBody): void {
	const farewell = timerFor(FAREWELL_MS, FAREWELL_STEP_MS);
	const cutOff = () => body.destroy();
	const done = () => farewell.removeEventListener('abort', cutOff);
	farewell.addEventListener('abort', cutOff);
	body.read({ piece: () => {}, end: done, fail: done });
}
