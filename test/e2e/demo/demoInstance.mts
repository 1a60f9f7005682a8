/** The demo's n8n and what it is given: a service, a credential, the examples. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { startSandbox } from '../../sandbox/index.mts';
import { ensureN8n, N8N_FOLDER, N8N_VERSION } from '../n8n/install.mts';
import { N8n, type N8nOptions } from '../n8n/n8n.mts';
import { DEMO_FOLDER, EXAMPLES, nodeForN8n, ROOT } from '../n8n/paths.mts';
import { run } from '../n8n/process.mts';
import { furnish, SHOWCASE } from './showcase.mts';
import type { Reporter } from './terminal.mts';

/** The example that the demo executes. */
export const FIRST_EXAMPLE = 'inferenceShRunApp';

/** The credential that the examples name. */
export const CREDENTIAL = {
	id: 'inferenceShDemo',
	name: 'Inference.sh account',
	type: 'inferenceShApi',
};

/** Where the demo's tasks run. */
export interface Service {
	readonly baseUrl: string;
	readonly apiKey: string;
	/** What it is, for people. */
	readonly title: string;
	/** Whether tasks cost money. */
	readonly paid: boolean;
	/** The app for the examples instead of their own. */
	readonly app?: string | undefined;
	close(): Promise<void>;
}

interface ExampleNode {
	readonly id: string;
	readonly type: string;
	readonly parameters: Record<string, unknown>;
}

/** A workflow file, as far as the demo looks into it. */
export interface Example {
	readonly id: string;
	readonly name: string;
	readonly nodes: readonly ExampleNode[];
}

/**
 * The real service with INFERENCE_API_KEY (and INFERENCE_BASE_URL, INFERENCE_APP), else a sandbox
 * on this machine.
 */
export async function openService(env: NodeJS.ProcessEnv): Promise<Service> {
	const apiKey = env['INFERENCE_API_KEY'];
	const app = env['INFERENCE_APP'];
	if (apiKey !== undefined && apiKey !== '') {
		const baseUrl = env['INFERENCE_BASE_URL'] ?? 'https://api.inference.sh';
		return {
			baseUrl,
			apiKey,
			app,
			paid: true,
			title: `inference.sh at ${baseUrl}`,
			close: async () => {},
		};
	}
	// A little slow, as a service is.
	const sandbox = await startSandbox({ ...SHOWCASE, latencyMs: 20, record: false });
	furnish(sandbox);
	return {
		baseUrl: sandbox.url,
		apiKey: sandbox.apiKey,
		app,
		paid: false,
		title: `sandbox at ${sandbox.url} (made-up answers, no account needed)`,
		close: () => sandbox.close(),
	};
}

/** The demo's n8n, installed if that is the first time; not started. */
export async function openN8n(
	reporter: Reporter,
	signal: AbortSignal,
	options: Partial<N8nOptions> = {},
): Promise<N8n> {
	const installed = await reporter.step(`n8n ${N8N_VERSION}`, (progress) =>
		ensureN8n(N8N_FOLDER, progress, signal),
	);
	return await N8n.open({ installed, home: path.join(DEMO_FOLDER, 'home'), signal, ...options });
}

/** Gives n8n the credential and the examples, which it then has again as they are in the project. */
export async function importExamples(
	n8n: N8n,
	service: Service,
	reporter: Reporter,
): Promise<readonly Example[]> {
	const examples = (await readExamples(service.app)).map(({ workflow }) => workflow);
	await reporter.step(`Credential and ${examples.length} example workflows imported`, async () => {
		const { baseUrl, apiKey } = service;
		await n8n.importJson('credentials', [
			{ ...CREDENTIAL, data: { apiKey, baseUrl, maxConcurrency: 0 } },
		]);
		await n8n.importJson('workflow', examples);
	});
	return examples;
}

/** Starts n8n and says where it is and how to get in. */
export async function startEditor(n8n: N8n, reporter: Reporter): Promise<void> {
	await reporter.step('Editor started', async () => {
		await n8n.start();
		await n8n.signIn();
	});
	const { email, password } = n8n.owner;
	console.log(`
  Editor    ${n8n.url}/workflow/${FIRST_EXAMPLE}
  E-mail    ${email}
  Password  ${password}
`);
}

/** Compiles this package into `dist`. */
export async function buildPackage(signal?: AbortSignal): Promise<void> {
	const gulp = path.join(ROOT, 'node_modules', 'gulp', 'bin', 'gulp.js');
	await run('The build', nodeForN8n(), [gulp, 'build'], { cwd: ROOT, signal });
}

/**
 * The committed workflows, by file.
 *
 * @param app used instead of the examples' own
 */
export async function readExamples(
	app?: string,
): Promise<ReadonlyArray<{ readonly file: string; readonly workflow: Example }>> {
	const files = (await readdir(EXAMPLES)).filter((file) => file.endsWith('.json')).sort();
	return await Promise.all(
		files.map(async (file) => {
			const text = await readFile(path.join(EXAMPLES, file), 'utf8');
			const workflow = JSON.parse(text) as Example;
			if (app === undefined || app === '') return { file, workflow };
			const nodes = workflow.nodes.map((node) =>
				'app' in node.parameters
					? {
							...node,
							parameters: { ...node.parameters, app: { __rl: true, mode: 'ref', value: app } },
						}
					: node,
			);
			return { file, workflow: { ...workflow, nodes } };
		}),
	);
}
