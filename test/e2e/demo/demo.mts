/**
 * `npm run demo [-- --once]`: the main job in one command. A real n8n with this package, a
 * credential and the examples; executes one of them, shows its result and serves the editor.
 */
import { parseArgs } from 'node:util';

import { FIRST_EXAMPLE, openService, prepareN8n, type Reporter } from './demoInstance.mts';
import type { N8n } from '../n8n/n8n.mts';
import { describeRun } from './resultTable.mts';

const RUN_APP = 'Run App';
const INTERRUPTED = 130;

/** Steps with their times. */
const reporter: Reporter = {
	async step(name, work) {
		const startedAt = Date.now();
		const result = await work((line) => console.log(`    ${line}`));
		console.log(`✓ ${name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
		return result;
	},
};

const { values } = parseOrExplain();
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
	process.on(signal, () => stop.abort(new Error('Interrupted.')));
}

try {
	await demo(values.once);
} catch (error) {
	if (stop.signal.aborted) {
		console.error('\nInterrupted. Run it again to go on from here.');
		process.exitCode = INTERRUPTED;
	} else {
		console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
		process.exitCode = 1;
	}
}

function parseOrExplain(): { values: { once: boolean } } {
	try {
		return parseArgs({ options: { once: { type: 'boolean', default: false } } });
	} catch (error) {
		console.error(
			`${(error as Error).message}\n\nUsage: npm run demo [-- --once]\n  --once  stop after the example's result, do not serve the editor`,
		);
		process.exit(2);
	}
}

async function demo(once: boolean): Promise<void> {
	const service = await openService(process.env);
	try {
		console.log(`Service: ${service.title}`);
		if (service.paid) console.log('The example runs five short tasks on your account.');
		const { n8n, examples } = await prepareN8n(service, reporter, stop.signal);
		const example = examples.find(({ id }) => id === FIRST_EXAMPLE);
		const execution = await reporter.step(
			`Example executed: "${example?.name ?? FIRST_EXAMPLE}"`,
			() => n8n.execute(FIRST_EXAMPLE),
		);
		const run = execution.data.resultData.runData[RUN_APP]?.[0];
		if (!run) throw new Error(`The example has no result of its node "${RUN_APP}".`);
		console.log(`\n${describeRun(run)}\n`);
		if (!once) await serve(n8n);
	} finally {
		await service.close();
	}
}

/** Serves the editor until the demo is interrupted. */
async function serve(n8n: N8n): Promise<void> {
	try {
		await reporter.step('Editor started', async () => {
			await n8n.start();
			await n8n.signIn();
		});
		const { email, password } = n8n.owner;
		console.log(`
  Editor    ${n8n.url}/workflow/${FIRST_EXAMPLE}
  E-mail    ${email}
  Password  ${password}

Open it, sign in and press "Execute workflow". Stop with Ctrl+C.`);
		await Promise.race([
			n8n.ended().then(() => {
				if (stop.signal.aborted) return;
				throw new Error(`n8n ended by itself.\n  ${n8n.lastLines.join('\n  ')}`);
			}),
			new Promise<void>((resolve) => {
				if (stop.signal.aborted) resolve();
				else stop.signal.addEventListener('abort', () => resolve());
			}),
		]);
		console.log('\nStopping n8n …');
	} finally {
		await n8n.stop();
	}
	console.log('Stopped.');
}
