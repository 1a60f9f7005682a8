/** n8n's own reloading of packages whose files change (N8N_DEV_RELOAD), as far as its log tells. */

/** n8n waits 100 ms for more changes; a busy machine takes its time. */
const BEGIN_MS = 8000;
/** A package that cannot be loaded is found at once. */
const FAILURE_MS = 1000;

type Word = 'triggered' | 'failed';

export class HotReload {
	private listener: ((word: Word) => void) | undefined;

	/** Takes in a line of n8n's log. Returns whether it was about this. */
	hears(line: string): boolean {
		const [, word] = /Hot reload (triggered|failed) for n8n-nodes-inferencesh/.exec(line) ?? [];
		if (word !== 'triggered' && word !== 'failed') return false;
		this.listener?.(word);
		return true;
	}

	/**
	 * Changes files and waits until n8n has reloaded the package.
	 *
	 * @returns false if it has not, or not noticed: the system cannot watch files, the code throws
	 * @throws the abort reason of `signal`
	 */
	async after(change: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
		return await new Promise<boolean>((resolve, reject) => {
			let reloaded = false;
			const end = (): void => {
				clearTimeout(timer);
				this.listener = undefined;
				signal.removeEventListener('abort', onAbort);
			};
			const settle = (): void => {
				end();
				resolve(reloaded);
			};
			const onAbort = (): void => {
				end();
				reject(signal.reason as Error);
			};
			let timer = setTimeout(settle, BEGIN_MS);
			signal.addEventListener('abort', onAbort, { once: true });
			this.listener = (word) => {
				clearTimeout(timer);
				reloaded = word === 'triggered';
				if (reloaded) timer = setTimeout(settle, FAILURE_MS);
				else settle();
			};
			change().catch((error: unknown) => {
				end();
				reject(error instanceof Error ? error : new Error(String(error)));
			});
		});
	}
}
