/** Processes that may have few files and connections open. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { beforeAll, onTestFinished } from 'vitest';
import { SETTINGS } from '../support.mts';

const NODES = join(process.cwd(), 'nodes');
const require = createRequire(import.meta.url);
const ENTRY = '\0entry';

/** A process that runs a script of ours. */
export interface ScriptProcess {
	/** Says something to it: it is the next line that comes in. */
	tell(line: string): void;
	/** What it has said, when it has ended. */
	readonly said: Promise<unknown>;
}

/** What scripts have: a transport over some undici, and `told`, which settles when it is told a line. */
const PRELUDE = `
	import { UndiciTransport } from ${JSON.stringify(join(NODES, 'client/transport/undiciTransport.ts'))};
	import { InferenceClient } from ${JSON.stringify(join(NODES, 'client/client.ts'))};
	const [undiciName, script, url, apiKey] = process.argv.slice(2);
	const transport = new UndiciTransport({ undici: require(undiciName), proxyFor: () => '' });
	const told = () => new Promise((resolve) => process.stdin.once('data', resolve));
	const say = (what) => process.stdout.write(JSON.stringify(what), () => process.exit(0));
	const settings = { ...${JSON.stringify(SETTINGS)}, retryOn: new Set(['network']) };
`;

/** Runs scripts by their names. */
export type RunScript<Name extends string> = (
	name: Name,
	undici: string,
	server: readonly [url: string, apiKey: string],
) => ScriptProcess;

/**
 * Prepares scripts that run in processes which may have so many handles, their own 20 or so included.
 *
 * @param scripts bodies of asynchronous functions, each of which ends with `say`
 */
export function useScripts<Name extends string>(
	handles: number,
	scripts: Readonly<Record<Name, string>>,
): RunScript<Name> {
	let file = '';
	const functions = Object.entries<string>(scripts).map(([name, body]) => {
		return `${name}: async () => {${body}}`;
	});
	const source = `${PRELUDE} void ({ ${functions.join(', ')} })[script]();`;
	beforeAll(async () => {
		const directory = await mkdtemp(join(tmpdir(), 'few-handles-'));
		file = join(directory, 'scripts.cjs');
		await using bundle = await rolldown({
			input: 'entry',
			logLevel: 'silent',
			platform: 'node',
			external: ['n8n-workflow'],
			plugins: [
				{
					name: 'entry',
					resolveId: (id) => (id === 'entry' ? ENTRY : null),
					load: (id) => (id === ENTRY ? source : null),
				},
			],
		});
		await bundle.write({ file, format: 'cjs' });
		return async () => await rm(directory, { recursive: true });
	});
	return (name, undici, server) => {
		const command = `ulimit -n ${handles}; exec "$0" "$@"`;
		const args = [process.execPath, file, require.resolve(undici), name, ...server];
		const child = spawn('sh', ['-c', command, ...args], {
			env: { ...process.env, NODE_PATH: join(process.cwd(), 'node_modules') },
		});
		onTestFinished(() => void child.kill());
		let out = '';
		let problem = '';
		child.stdout.on('data', (chunk) => (out += String(chunk)));
		child.stderr.on('data', (chunk) => (problem += String(chunk)));
		const said = once(child, 'close').then((): unknown => {
			if (out === '') throw new Error(`The process said nothing but ${problem}`);
			return JSON.parse(out);
		});
		return { tell: (line) => void child.stdin.write(`${line}\n`), said };
	};
}
