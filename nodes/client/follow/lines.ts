/** Longest line that is put together, in UTF-16 units; a longer one is an error of the service. */
const MAX_LINE_LENGTH = 64 * 1024 * 1024;

/**
 * Cuts a stream of bytes into lines. For any way of cutting the bytes into chunks the lines are
 * the same: characters may be split between chunks, a line may end in `\n` or `\r\n` (also split),
 * and the last one may not end at all.
 */
export class LineDecoder {
	private readonly decoder = new TextDecoder();
	private pieces: string[] = [];
	private length = 0;

	/** Takes the next chunk and returns the lines that it completes, without their ends. */
	push(chunk: Uint8Array): string[] {
		return this.take(this.decoder.decode(chunk, { stream: true }));
	}

	/** Ends the stream and returns what is left as a last line, if anything is. */
	flush(): string[] {
		const lines = this.take(this.decoder.decode());
		return this.length === 0 ? lines : [...lines, this.join()];
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
