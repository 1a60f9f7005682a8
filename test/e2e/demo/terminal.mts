/** What the programs of this folder have in common: steps with their times, and how they end. */
import { duration, ShownProgress, type Progress } from '../n8n/progress.mts';

const INTERRUPTED = 130;
const REFRESH_MS = 1000;

/** Tells what is going on: steps with their names, and how far each is. */
export interface Reporter {
	/** Says that a step is done, and how long it took, when its work has ended well. */
	step<T>(name: string, work: (progress: Progress) => Promise<T>): Promise<T>;
}

/** A line at the bottom of a terminal that is written over again and again; nothing elsewhere. */
function liveLine(): { show(line: string): void; clear(): void } | undefined {
	const { stdout } = process;
	if (!stdout.isTTY) return undefined;
	const clear = (): void => void stdout.write('\r\x1b[2K');
	return {
		clear,
		show(line) {
			clear();
			// A terminal that does not know its width says 0.
			stdout.write(line.slice(0, (stdout.columns || 80) - 1));
		},
	};
}

export const reporter: Reporter = {
	async step(name, work) {
		const startedAt = performance.now();
		const live = liveLine();
		const say = (line: string): void => {
			live?.clear();
			console.log(line);
		};
		// What the work itself tells of a part goes before the name of the whole.
		let inPart = false;
		const timer =
			live &&
			setInterval(() => {
				if (!inPart) live.show(`  ${name} (${duration(performance.now() - startedAt)})`);
			}, REFRESH_MS);
		const sayPart = (line: string): void => {
			inPart = false;
			say(`    ${line}`);
		};
		const showPart = (line: string): void => {
			inPart = true;
			live?.show(`    ${line}`);
		};
		try {
			using progress = new ShownProgress(sayPart, live && showPart);
			const result = await work(progress);
			progress[Symbol.dispose]();
			say(`✓ ${name} (${duration(performance.now() - startedAt)})`);
			return result;
		} finally {
			clearInterval(timer);
			live?.clear();
		}
	},
};

/**
 * Runs a program to its end: until its work is done, it is interrupted, or it fails, which is said.
 *
 * @param name for people, at the beginning of a sentence
 * @param work gets a signal that ends it
 */
export async function runProgram(
	name: string,
	work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
	const stop = new AbortController();
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
		process.on(signal, () => stop.abort(new Error('Interrupted.')));
	}
	try {
		await work(stop.signal);
	} catch (error) {
		if (stop.signal.aborted) {
			console.error('\nInterrupted. Run it again to go on from here.');
			process.exitCode = INTERRUPTED;
		} else {
			console.error(`\n${name} failed: ${error instanceof Error ? error.message : String(error)}`);
			process.exitCode = 1;
		}
	}
}

/** Settles when the signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
	if (signal.aborted) return;
	await new Promise<void>((resolve) => {
		signal.addEventListener('abort', () => resolve(), { once: true });
	});
}
