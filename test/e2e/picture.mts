/** `npm run picture`: runs the first example in n8n's editor and takes the README's screenshots. */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

import type { Page } from 'playwright-core';

import type { SandboxApp } from '../sandbox/index.mts';
import { openBrowser } from './browser.mts';
import { FIRST_EXAMPLE, openService, prepareN8n, type Reporter } from './demo-instance.mts';
import type { N8n } from './n8n.mts';
import { DEMO_FOLDER, ROOT } from './paths.mts';

const FOLDER = path.join(ROOT, 'docs', 'images');
const SIZE = { width: 1440, height: 900 };
const LIMIT_BYTES = 250_000;

/**
 * The example's app with one-word answers: the sandbox's own are full of emoji and scripts, which
 * machines without the fonts for them show as boxes.
 */
const ANSWERS: Readonly<Record<string, string>> = {
	'Name a colour.': 'Teal',
	'Name a city by the sea.': 'Lisbon',
	'Name a fruit.': 'Apricot',
	'Name a musical instrument.': 'Cello',
	'Name a planet.': 'Saturn',
};
const plainSpeaker: SandboxApp = {
	namespace: 'anthropic',
	name: 'claude-sonnet-5',
	title: 'Claude Sonnet 5',
	description: 'A language model for chats, tools and images.',
	category: 'chat',
	store: true,
	functions: { run: { input: { type: 'object' }, output: { type: 'object' } } },
	run(job) {
		const response = ANSWERS[String(job.input['text'])] ?? 'Hello';
		job.after(400, () => job.finish({ response }));
	},
};

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
	process.once(signal, () => stop.abort(new Error('Interrupted.')));
}
const reporter: Reporter = {
	async step(name, work) {
		const result = await work((line) => console.log(`    ${line}`));
		console.log(`✓ ${name}`);
		return result;
	},
};

try {
	await takePictures();
} catch (error) {
	console.error(`No pictures: ${error instanceof Error ? error.message : String(error)}`);
	process.exitCode = 1;
}

async function takePictures(): Promise<void> {
	// Always the sandbox: a picture must not cost anything or show an account.
	await using undo = new AsyncDisposableStack();
	const service = await openService({}, [plainSpeaker]);
	undo.defer(() => service.close());
	const { n8n } = await prepareN8n(service, reporter, stop.signal);
	await n8n.start();
	undo.defer(() => n8n.stop());
	await n8n.signIn();
	const browser = await openBrowser();
	undo.defer(() => browser.close());

	const context = await browser.newContext({
		viewport: SIZE,
		colorScheme: 'light',
		locale: 'en-US',
	});
	// Pictures of this machine only.
	await context.route(
		(url) => url.origin !== n8n.url,
		(route) => route.abort(),
	);
	const page = await context.newPage();
	await signIn(page, n8n);
	await page.goto(`${n8n.url}/workflow/${FIRST_EXAMPLE}`);
	try {
		await canvas(page);
	} catch (error) {
		// What was in the way is seen at a glance.
		await page.screenshot({ path: path.join(DEMO_FOLDER, 'picture-failure.png') });
		throw error;
	}
	await save(page, 'run-app-canvas.png');
	await panel(page);
	await save(page, 'run-app-panel.png');
}

/** By the form: n8n binds a session to the browser that opened it. */
async function signIn(page: Page, n8n: N8n): Promise<void> {
	await page.goto(`${n8n.url}/signin`);
	await page.locator('input[type="email"], input[name="emailOrLdapLoginId"]').fill(n8n.owner.email);
	await page.locator('input[type="password"]').fill(n8n.owner.password);
	await page.keyboard.press('Enter');
	await page.waitForURL((url) => !url.pathname.startsWith('/signin'));
}

/** The workflow, executed. */
async function canvas(page: Page): Promise<void> {
	const node = page.locator('[data-test-id="canvas-node"][data-node-name="Run App"]');
	await node.waitFor({ timeout: 60_000 });
	await page.locator('[data-test-id="execute-workflow-button"]').first().click();
	await page
		.locator('[data-node-name="Answers"] [data-test-id="canvas-node-status-success"]')
		.waitFor({ timeout: 60_000 });
	await page.keyboard.press('1'); // fit to view
	await settle(page);
}

/** The panel of the node, with its input and output. */
async function panel(page: Page): Promise<void> {
	await page.locator('[data-test-id="canvas-node"][data-node-name="Run App"]').dblclick();
	await page.locator('[data-test-id="ndv"], [data-test-id="ndv-floating"]').first().waitFor();
	await settle(page);
}

/** Notices go, animations end. */
async function settle(page: Page): Promise<void> {
	const close = page.locator('.el-notification__closeBtn');
	for (let open = await close.count(); open > 0; open--) {
		await close
			.first()
			.click({ timeout: 2000 })
			.catch(() => undefined);
	}
	await page.mouse.move(SIZE.width / 2, SIZE.height - 5);
	await page.waitForTimeout(1500);
}

async function save(page: Page, file: string): Promise<void> {
	await mkdir(FOLDER, { recursive: true });
	const target = path.join(FOLDER, file);
	await page.screenshot({ path: target });
	const { size } = await stat(target);
	console.log(`✓ ${path.relative(ROOT, target)} (${Math.round(size / 1000)} kB)`);
	if (size > LIMIT_BYTES) throw new Error(`${file} is larger than ${LIMIT_BYTES / 1000} kB.`);
}
