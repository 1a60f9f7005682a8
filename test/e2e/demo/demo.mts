/**
 * `npm run demo [-- --once]`: the main job in one command. A real n8n with this package, a
 * credential and the examples; executes one of them, shows its result and serves the editor.
 */
import { parseArgs } from 'node:util';

import type { N8n } from '../n8n/n8n.mts';
import { ROOT } from '../n8n/paths.mts';
import {
	buildPackage,
	FIRST_EXAMPLE,
	importExamples,
	openN8n,
	openService,
	startEditor,
} from './demoInstance.mts';
import { describeRun } from './resultTable.mts';
import { aborted, reporter, runProgram } from './terminal.mts';

const RUN_APP = 'Run App';

const { values } = parseOrExplain();
await runProgram('The demo', (signal) => demo(values.once, signal));

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

async function demo(once: boolean, signal: AbortSignal): Promise<void> {
	const service = await openService(process.env);
	try {
		console.log(`Service: ${service.title}`);
		if (service.paid) console.log('The example runs five short tasks on your account.');
		const n8n = await openN8n(reporter, signal);
		await reporter.step('Package built and installed in n8n', async () => {
			await buildPackage(signal);
			await n8n.link(ROOT);
		});
		const examples = await importExamples(n8n, service, reporter);
		const example = examples.find(({ id }) => id === FIRST_EXAMPLE);
		const execution = await reporter.step(
			`Example executed: "${example?.name ?? FIRST_EXAMPLE}"`,
			() => n8n.execute(FIRST_EXAMPLE),
		);
		const run = execution.data.resultData.runData[RUN_APP]?.[0];
		if (!run) throw new Error(`The example has no result of its node "${RUN_APP}".`);
		console.log(`\n${describeRun(run)}\n`);
		if (!once) await serve(n8n, signal);
	} finally {
		await service.close();
	}
}

/** Serves the editor until the demo is interrupted. */
async function serve(n8n: N8n, signal: AbortSignal): Promise<void> {
	try {
		await startEditor(n8n, reporter);
		console.log('Open it, sign in and press "Execute workflow". Stop with Ctrl+C.');
		await Promise.race([
			n8n.ended().then(() => {
				if (signal.aborted) return;
				throw new Error(`n8n ended by itself.\n  ${n8n.lastLines.join('\n  ')}`);
			}),
			aborted(signal),
		]);
		console.log('\nStopping n8n …');
	} finally {
		await n8n.stop();
	}
	console.log('Stopped.');
}
