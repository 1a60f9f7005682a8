/** What n8n prints, on this terminal; while it starts or stops only what went wrong. */
export class N8nLog {
	private quiet = false;

	add(line: string): void {
		if (!this.quiet || /\b(error|warn)/i.test(line)) console.log(`  n8n  ${line}`);
	}

	/** Does the work while most of it is left out. */
	async without(work: () => Promise<void>): Promise<void> {
		this.quiet = true;
		try {
			await work();
		} finally {
			this.quiet = false;
		}
	}
}
