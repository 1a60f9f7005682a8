import { encodingOf } from '../transport/textEncoding';

/**
 * Longest line that is put together, in UTF-16 units, as long as the longest answer: it may hold the
 * same. A longer one is an error of the service.
 */
export const MAX_LINE_LENGTH = 64 * 1024 * 1024;

const NOTHING = new Uint8Array();

/**
 * Cuts a stream of bytes into lines. For any way of cutting the bytes into chunks the lines are
 * the same: characters may be split between chunks, a line may end in `\n` or `\r\n` (also split),
 * and the last one may not end at all.
 */
export class LineDecoder {
	/** Known from the first two bytes. */
	private decoder: InstanceType<typeof TextDecoder> | undefined;
	private head: Uint8Array = NOTHING;
	private pieces: string[] = [];
	private length = 0;

	/** Takes the next chunk and returns the lines that it completes, without their ends. */
	push(chunk: Uint8Array): string[] {
		if (this.decoder) return this.take(this.decoder.decode(chunk, { stream: true }));
		this.head = this.head.length === 0 ? chunk : Buffer.concat([this.head, chunk]);
		return this.head.length < 2 ? [] : this.take(this.begin().decode(this.head, { stream: true }));
	}

	/** Ends the stream and returns what is left as a last line, if anything is. */
	flush(): string[] {
		const rest = this.decoder ? this.decoder.decode() : this.begin().decode(this.head);
		const lines = this.take(rest);
		return this.length === 0 ? lines : [...lines, this.join()];
	}

	private begin(): InstanceType<typeof TextDecoder> {
		this.decoder = new TextDecoder(encodingOf(this.head));
		return this.decoder;
	}

	private take(text: string): string[] {
		const lines: string[] = [];
		let start = 0;
		for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
			this.keep(text.slice(start, end));
			lines.push(this.join());
			start = end + 1;
		}
		this.keep(text.slice(start));
		return lines;
	}

	private keep(piece: string): void {
		if (piece === '') return;
		this.length += piece.length;
		if (this.length > MAX_LINE_LENGTH) throw new RangeError('a line of the stream is too long');
		this.pieces.push(piece);
	}

	private join(): string {
		const line = this.pieces.length === 1 ? (this.pieces[0] ?? '') : this.pieces.join('');
		this.pieces = [];
		this.length = 0;
		return line.endsWith('\r') ? line.slice(0, -1) : line;
	}
}
