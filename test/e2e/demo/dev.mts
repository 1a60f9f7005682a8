/**
 * `npm run dev [-- --inspect]`: builds on every change and gives the demo's n8n what was built,
 * until Ctrl+C. Errors of the compiler are shown, and the next change is tried.
 */
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';

import type { N8n } from '../n8n/n8n.mts';
import { DEMO_FOLDER, nodeForN8n, ROOT } from '../n8n/paths.mts';
import { stopProcess } from '../n8n/process.mts';
import { duration } from '../n8n/progress.mts';
import { nextBuild } from './builtPackage.mts';
import { importExamples, openN8n, openService, startEditor } from './demoInstance.mts';
import { HotReload } from './hotReload.mts';
import { N8nLog } from './n8nLog.mts';
import { reporter, runProgram } from './terminal.mts';

const STOP_MS = 5000;

const ENVIRONMENT: NodeJS.ProcessEnv = {
	N8N_DEV_RELOAD: 'true',
	// An execution under way is not waited for much longer.
	N8N_GRACEFUL_SHUTDOWN_TIMEOUT: '5',
	// `debug` shows what the nodes say of retries, adoptions and cancellations.
	N8N_LOG_LEVEL: process.env['N8N_LOG_LEVEL'] ?? 'info',
	// Node compiles n8n's thousands of files once; it starts a second faster.
	NODE_COMPILE_CACHE: path.join(DEMO_FOLDER, 'compile-cache'),
};

const { inspect } = parseOrExplain();
await runProgram('The development loop', (signal) => develop(signal));

function parseOrExplain(): { inspect: boolean } {
	try {
		return parseArgs({ options: { inspect: { type: 'boolean', default: false } } }).values;
	} catch (error) {
		console.error(
			`${(error as Error).message}\n\nUsage: npm run dev [-- --inspect]\n  --inspect  a debugger can attach to n8n at 127.0.0.1:9229`,
		);
		process.exit(2);
	}
}

async function develop(signal: AbortSignal): Promise<void> {
	await using undo = new AsyncDisposableStack();
	const service = await openService(process.env);
	undo.defer(() => service.close());
	console.log(`Service: ${service.title}`);

	const reload = new HotReload();
	const log = new N8nLog();
	const n8n = await openN8n(reporter, signal, {
		nodeArgs: inspect ? ['--inspect'] : [],
		env: ENVIRONMENT,
		onLine: (line) => {
			if (!reload.hears(line)) log.add(line);
		},
	});
	// What an earlier run has left is not what is there to see.
	await rm(path.join(ROOT, 'dist'), { recursive: true, force: true });
	const bundler = startTool(undo, 'gulp/bin/gulp.js', ['--silent', 'bundle']);
	const builtAfter = (before?: string): Promise<string> =>
		Promise.race([nextBuild(ROOT, before, signal), bundler.failure]);
	let build = await reporter.step('Package built', () => builtAfter());
	await n8n.link(ROOT);
	await importExamples(n8n, service, reporter);
	undo.defer(async () => await log.without(() => n8n.stop()));
	await log.without(() => startEditor(n8n, reporter));
	tellEnd(n8n);
	// Only now, because it keeps a core busy for a while.
	startTool(undo, 'typescript/bin/tsc', ['--noEmit', '--watch', '--preserveWatchOutput']);
	console.log('Change a node: n8n and the open editor get it. Stop with Ctrl+C.');
	try {
		for (;;) {
			build = await builtAfter(build);
			await show(n8n, reload, log, signal);
		}
	} catch (error) {
		if (!signal.aborted) throw error;
		console.log('\nStopping n8n …');
	}
}

/**
 * Starts one of the project's tools, which writes to the terminal by itself and ends with the rest.
 *
 * @returns a promise that rejects if it ends before that
 */
function startTool(
	undo: AsyncDisposableStack,
	script: string,
	args: readonly string[],
): { readonly failure: Promise<never> } {
	const child = spawn(nodeForN8n(), [path.join(ROOT, 'node_modules', script), ...args], {
		cwd: ROOT,
		stdio: ['ignore', 'inherit', 'inherit'],
	});
	undo.defer(() => stopProcess(child, STOP_MS));
	const failure = new Promise<never>((_resolve, reject) => {
		child.once('error', reject);
		child.once('exit', (code) => reject(new Error(`${script} ended with ${code}.`)));
	});
	failure.catch(() => {});
	return { failure };
}

/** Says so if n8n ends by itself. */
function tellEnd(n8n: N8n): void {
	const { pid } = n8n;
	if (pid === undefined) return;
	void n8n.ended().then(() => {
		if (n8n.pid === pid) console.error('n8n has ended. The next change starts it again.');
	});
}

/** Gives n8n what has been built: it reloads the package, or is started again. */
async function show(n8n: N8n, reload: HotReload, log: N8nLog, signal: AbortSignal): Promise<void> {
	const startedAt = performance.now();
	const said = (what: string): void =>
		console.log(`✓ ${what} (${duration(performance.now() - startedAt)})`);
	try {
		if (n8n.running && (await reload.after(() => n8n.refresh(ROOT), signal))) {
			said('n8n has reloaded the package');
			return;
		}
		await log.without(async () => {
			await n8n.stop();
			await n8n.link(ROOT);
			await n8n.start();
		});
		tellEnd(n8n);
		said(`n8n was started again at ${n8n.url}; reload the page`);
	} catch (error) {
		signal.throwIfAborted();
		console.error(`n8n does not start: ${error instanceof Error ? error.message : String(error)}`);
		console.error('Waiting for the next change.');
	}
}
