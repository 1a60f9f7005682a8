/** `npm run dev` in a copy of the project: from a change to n8n, through errors, to Ctrl+C. */
import { spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { N8N_FOLDER } from '../n8n/install.mts';
import { nodeForN8n, ROOT } from '../n8n/paths.mts';
import { BROWSER_ID } from '../n8n/rest.mts';

const PATIENCE_MS = 150_000;
const LOOK_EVERY_MS = 100;
const COPIED = [
	...['package.json', 'tsconfig.json', 'gulpfile.js', 'credentials', 'nodes', 'examples'],
	...['test/e2e', 'test/sandbox'],
];
const NODE = path.join('nodes', 'RunApp', 'RunApp.node.ts');
const DESCRIPTION = 'Run an AI app on inference.sh for each item';

let project: string;
let loop: ChildProcess;
let printed = '';

/** Waits until the condition holds; says what the loop has printed if it never does. */
async function until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
	const deadline = performance.now() + PATIENCE_MS;
	for (;;) {
		const result = await condition();
		if (result !== undefined && result !== null && result !== false) return result;
		if (performance.now() > deadline) throw new Error(`Not seen: ${what}.\n${printed}`);
		await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
	}
}

const said = (pattern: RegExp): string | undefined => pattern.exec(printed)?.[1];

/** Changes the node's source. */
async function change(from: string, to: string): Promise<void> {
	const file = path.join(project, NODE);
	const source = await readFile(file, 'utf8');
	expect(source).toContain(from);
	await writeFile(file, source.replace(from, to));
}

beforeAll(async () => {
	project = await realpath(await mkdtemp(path.join(tmpdir(), 'n8n-nodes-inferencesh-dev-')));
	for (const name of COPIED) {
		await mkdir(path.dirname(path.join(project, name)), { recursive: true });
		await cp(path.join(ROOT, name), path.join(project, name), { recursive: true });
	}
	await symlink(path.join(ROOT, 'node_modules'), path.join(project, 'node_modules'), 'junction');
	await mkdir(path.join(project, '.demo'));
	const installed = path.join(project, '.demo', path.basename(N8N_FOLDER));
	await symlink(N8N_FOLDER, installed, 'junction');
	loop = spawn(nodeForN8n(), ['test/e2e/demo/dev.mts'], {
		cwd: project,
		stdio: ['ignore', 'pipe', 'pipe'],
		// A process group of its own, as a terminal gives it to a command.
		detached: true,
	});
	for (const stream of [loop.stdout, loop.stderr]) {
		if (!stream) throw new Error('The loop prints to pipes.');
		createInterface({ input: stream }).on('line', (line) => (printed += `${line}\n`));
	}
});

afterAll(async () => {
	if (loop.exitCode === null && loop.pid !== undefined) process.kill(-loop.pid, 'SIGTERM');
	await rm(project, { recursive: true, force: true, maxRetries: 3 });
});

describe('npm run dev', () => {
	let url: string;
	let cookie: string;

	/** Whether the panel of Run App, as the editor would get it, has this text. */
	async function hasText(text: string): Promise<boolean> {
		// While n8n is started again it does not answer, or breaks off.
		const page = await fetch(`${url}/types/nodes.json`, {
			headers: { cookie, 'browser-id': BROWSER_ID },
		})
			.then(async (answer) => await answer.text())
			.catch(() => '');
		return page.includes(text);
	}

	it('serves the editor', async () => {
		url = new URL(await until('the address', () => said(/Editor {4}(http\S+)/))).origin;
		const password = await until('the password', () => said(/Password {2}(\S+)/));
		const answer = await fetch(`${url}/rest/login`, {
			method: 'POST',
			headers: { 'content-type': 'application/json', 'browser-id': BROWSER_ID },
			body: JSON.stringify({ emailOrLdapLoginId: 'demo@example.com', password }),
		});
		cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
		expect(await hasText(DESCRIPTION)).toBe(true);
		await until('the first check of the types', () => said(/(Found 0 errors)/));
	});

	it('shows a change in n8n', async () => {
		const startedAt = performance.now();
		await change(DESCRIPTION, 'The first change');
		await until('the first change', () => hasText('The first change'));
		const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
		process.stdout.write(`change → n8n has it: ${seconds} s\n`);
	});

	it('shows an error of the compiler and goes on', async () => {
		await change('The first change', "The second ' change");
		await until('the error', () => said(/(PARSE_ERROR|RunApp\.node\.ts.*error TS)/));
		expect(await hasText('The first change')).toBe(true);
		await change("The second ' change", 'The second change');
		await until('the second change', () => hasText('The second change'));
	});

	it('survives code that cannot be loaded', async () => {
		await change('export class RunApp', "throw new Error('not today');\nexport class RunApp");
		await until('the error', () => said(/(not today)/));
		await change("throw new Error('not today');\n", '');
		await change('The second change', 'The third change');
		await until('the third change', () => hasText('The third change'));
	});

	it('ends with Ctrl+C and leaves nothing behind', async () => {
		const group = -(loop.pid ?? 0);
		process.kill(group, 'SIGINT');
		expect(await until('the end', () => (loop.exitCode === null ? undefined : 'ended'))).toBe(
			'ended',
		);
		expect(loop.exitCode, printed).toBe(0);
		expect(() => process.kill(group, 0)).toThrow('ESRCH');
		await expect(fetch(url)).rejects.toThrow();
	});
});
