/** Child processes: run one to its end, keep the last lines of its output, stop it by its id. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

const TAIL_LINES = 25;

/** A child process did not do what it was started for. The message ends with its last words. */
export class ProcessError extends Error {
	override readonly name = 'ProcessError';
	/** The last lines of its output. */
	readonly tail: readonly string[];

	constructor(what: string, tail: readonly string[]) {
		const said = tail.length > 0 ? `\nIts last lines:\n  ${tail.join('\n  ')}` : '';
		super(`${what}${said}`);
		this.tail = tail;
	}
}

/** The last lines of an output. */
export class Tail {
	readonly lines: string[] = [];

	add(line: string): void {
		if (line.trim() === '') return;
		this.lines.push(line);
		if (this.lines.length > TAIL_LINES) this.lines.shift();
	}
}

export interface RunOptions {
	readonly cwd?: string;
	readonly env?: NodeJS.ProcessEnv;
	/** The account to run it as; only root may choose. */
	readonly uid?: number;
	readonly gid?: number;
	/** Ends the child. */
	readonly signal?: AbortSignal | undefined;
	readonly onLine?: (line: string) => void;
	/** Lines that nobody wants to read as its last words. */
	readonly isNoise?: (line: string) => boolean;
}

/**
 * Runs a program to its end.
 *
 * @param what names it in an error, for example "npm install"
 * @returns everything that it printed to standard output
 * @throws ProcessError if it cannot be started or exits with anything but 0
 */
export async function run(
	what: string,
	command: string,
	args: readonly string[],
	options: RunOptions = {},
): Promise<string> {
	options.signal?.throwIfAborted();
	const child = spawn(command, args, {
		cwd: options.cwd,
		env: options.env ?? process.env,
		signal: options.signal,
		...(options.uid !== undefined && { uid: options.uid }),
		...(options.gid !== undefined && { gid: options.gid }),
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const tail = new Tail();
	const output: string[] = [];
	const onLine = (line: string): void => {
		if (options.isNoise?.(line) !== true) tail.add(line);
		options.onLine?.(line);
	};
	createInterface({ input: child.stdout }).on('line', (line) => {
		output.push(line);
		onLine(line);
	});
	createInterface({ input: child.stderr }).on('line', onLine);
	await new Promise<void>((resolve, reject) => {
		child.once('error', (error) => {
			reject(
				options.signal?.aborted === true
					? error
					: new ProcessError(`${what} could not be started: ${error.message}`, []),
			);
		});
		child.once('close', (code, signal) => {
			if (code === 0) resolve();
			else
				reject(new ProcessError(`${what} failed (${signal ?? `exit code ${code}`}).`, tail.lines));
		});
	});
	return output.join('\n');
}

/** Whether a program exists and agrees to the arguments. */
export async function works(command: string, args: readonly string[]): Promise<boolean> {
	try {
		await run(command, command, args);
		return true;
	} catch {
		return false;
	}
}

/** Asks the child to end, and makes it after the given time. Settles when it is gone. */
export async function stopProcess(
	child: ChildProcess,
	patienceMs: number,
	signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
	child.kill(signal);
	const force = setTimeout(() => child.kill('SIGKILL'), patienceMs);
	await gone;
	clearTimeout(force);
}

/** npm as this run was started by it, else the one on the PATH. */
export function npmCommand(): { command: string; args: readonly string[] } {
	const script = process.env['npm_execpath'];
	if (script !== undefined && /npm-cli\.[cm]?js$/.test(script)) {
		return { command: process.execPath, args: [script] };
	}
	return { command: process.platform === 'win32' ? 'npm.cmd' : 'npm', args: [] };
}
