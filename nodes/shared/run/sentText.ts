/**
 * What has been sent of a text that grows. A piece that goes on where the last one ended is sent as
 * it is: to compare the whole text with every piece would take time with the square of its length.
 */
export class SentText {
	private sent = '';
	/** How the text is to what has been sent: it goes on, is shorter for now, or is another one. */
	private state: 'goesOn' | 'shorter' | 'different' = 'goesOn';

	get isEmpty(): boolean {
		return this.sent === '';
	}

	/** Whether a text begins with all that has been sent. */
	isBeginningOf(text: string): boolean {
		return text.startsWith(this.sent);
	}

	/** @returns what has to be sent of the text; empty also if it is another one now */
	whole(text: string): string {
		if (text.length < this.sent.length) this.state = 'shorter';
		else this.state = this.isBeginningOf(text) ? 'goesOn' : 'different';
		return this.state === 'goesOn' ? this.next(text.slice(this.sent.length), text) : '';
	}

	/**
	 * @param piece what has been added
	 * @param text all of it
	 * @returns what has to be sent
	 */
	more(piece: string, text: string): string {
		if (this.state === 'goesOn') return this.next(piece, text);
		const mayFit = this.state === 'shorter' && text.length >= this.sent.length;
		return mayFit ? this.whole(text) : '';
	}

	private next(piece: string, text: string): string {
		this.sent = text;
		return piece;
	}
}
