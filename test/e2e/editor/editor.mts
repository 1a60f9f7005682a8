/** n8n's editor in a browser, by what a person does there. */
import path from 'node:path';

import type { Browser, Locator, Page } from 'playwright-core';

import { openBrowser } from './browser.mts';
import type { Owner } from '../n8n/n8n.mts';
import { DEMO_FOLDER } from '../n8n/paths.mts';

export const SIZE = { width: 1440, height: 900 };
const WAIT_MS = 60_000;

const byTestId = (id: string): string => `[data-test-id="${id}"]`;

/** A signed-in browser window. */
export class Editor implements AsyncDisposable {
	readonly page: Page;
	private readonly browser: Browser;
	private readonly url: string;

	private constructor(browser: Browser, page: Page, url: string) {
		this.browser = browser;
		this.page = page;
		this.url = url;
	}

	/** Opens the editor and signs in by the form: n8n binds a session to the browser. */
	static async open(url: string, owner: Owner): Promise<Editor> {
		const browser = await openBrowser();
		try {
			const context = await browser.newContext({
				viewport: SIZE,
				colorScheme: 'light',
				locale: 'en-US',
			});
			context.setDefaultTimeout(WAIT_MS);
			// Nothing but this machine.
			await context.route(
				(target) => target.origin !== new URL(url).origin,
				(route) => route.abort(),
			);
			const page = await context.newPage();
			// Leaving a workflow that is not saved yet.
			page.on('dialog', (dialog) => void dialog.accept());
			await page.goto(`${url}/signin`);
			await page.locator('input[type="email"], input[name="emailOrLdapLoginId"]').fill(owner.email);
			await page.locator('input[type="password"]').fill(owner.password);
			await page.keyboard.press('Enter');
			await page.waitForURL((at) => !at.pathname.startsWith('/signin'));
			return new Editor(browser, page, url);
		} catch (error) {
			await browser.close();
			throw error;
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.browser.close();
	}

	/** Shows a workflow on the canvas. */
	async openWorkflow(id: string): Promise<void> {
		await this.page.goto(`${this.url}/workflow/${id}`);
		await this.page.locator(byTestId('canvas-node')).first().waitFor();
	}

	/** Begins a new workflow. */
	async openEmpty(): Promise<void> {
		await this.page.goto(`${this.url}/workflow/new`);
		await this.page.locator(byTestId('canvas-add-button')).waitFor();
	}

	/** A node on the canvas. */
	node(name: string): Locator {
		return this.page.locator(`${byTestId('canvas-node')}[data-node-name="${name}"]`);
	}

	/** The nodes on the canvas. */
	nodes(): Locator {
		return this.page.locator(byTestId('canvas-node'));
	}

	/** The connections on the canvas: from which node, to which. */
	async links(): Promise<ReadonlyArray<readonly [from: string | null, to: string | null]>> {
		const edges = await this.page.locator(byTestId('edge')).all();
		return await Promise.all(
			edges.map(
				async (edge) =>
					[
						await edge.getAttribute('data-source-node-name'),
						await edge.getAttribute('data-target-node-name'),
					] as const,
			),
		);
	}

	/** The canvas without what is around it. */
	get canvas(): Locator {
		return this.page.locator(byTestId('canvas'));
	}

	/** Names of the nodes at which n8n shows that something is wrong or missing. */
	async complaints(): Promise<readonly (string | null)[]> {
		const complaining = this.nodes().filter({ has: this.page.locator(byTestId('node-issues')) });
		const nodes = await complaining.all();
		return await Promise.all(nodes.map((node) => node.getAttribute('data-node-name')));
	}

	/** Brings all of the workflow into view. */
	async fit(): Promise<void> {
		await this.page.locator(byTestId('zoom-to-fit')).click();
	}

	/** Presses "Execute workflow". */
	async execute(): Promise<void> {
		await this.page.locator(byTestId('execute-workflow-button')).first().click();
	}

	/** Presses the button that stops the execution. */
	async stop(): Promise<void> {
		await this.page.locator(byTestId('stop-execution-button')).click();
	}

	/** Waits until a node shows that it has succeeded. */
	async succeeded(name: string): Promise<void> {
		await this.page
			.locator(`[data-node-name="${name}"] ${byTestId('canvas-node-status-success')}`)
			.waitFor();
	}

	/** Opens the panel of a node. */
	async openPanel(name: string): Promise<Panel> {
		await this.node(name).dblclick();
		return await this.openedPanel();
	}

	/** The panel that opens by itself when a node has been added. */
	async openedPanel(): Promise<Panel> {
		const panel = this.page.locator(byTestId('ndv'));
		await panel.waitFor();
		return new Panel(this.page, panel);
	}

	/** Gives a tool that is tried what a model would give it, and runs it. */
	async answerForModel(values: Readonly<Record<string, string>>): Promise<void> {
		const form = this.page.locator(byTestId('fromAiParameters-modal'));
		for (const [name, value] of Object.entries(values)) {
			await form.locator(`${byTestId(`query.${name}`)} :is(input, textarea)`).fill(value);
		}
		await form.locator(byTestId('execute-workflow-button')).click();
	}

	/** The message that n8n shows in a corner. */
	toast(text: string | RegExp): Locator {
		return this.page.locator('.el-notification').filter({ hasText: text });
	}

	/** Waits until notices are gone and nothing moves. */
	async settle(): Promise<void> {
		const close = this.page.locator('.el-notification__closeBtn');
		for (let open = await close.count(); open > 0; open--) {
			await close
				.first()
				.click({ timeout: 2000 })
				.catch(() => undefined);
		}
		const { width, height } = this.page.viewportSize() ?? SIZE;
		await this.page.mouse.move(width / 2, height - 5);
		await this.page.waitForTimeout(1500);
	}

	/** Keeps what is seen now in the folder of ignored files, for whoever looks into a failure. */
	async keepPicture(name: string): Promise<void> {
		await this.page.screenshot({ path: path.join(DEMO_FOLDER, `${name}.png`) });
	}
}

/** The panel of a node: parameters in the middle, input and output beside them. */
export class Panel {
	readonly root: Locator;
	private readonly page: Page;

	constructor(page: Page, root: Locator) {
		this.page = page;
		this.root = root;
	}

	get input(): Locator {
		return this.root.locator(byTestId('ndv-input-panel'));
	}

	get output(): Locator {
		return this.root.locator(byTestId('output-panel'));
	}

	/** The control of a parameter, by its internal name. */
	parameter(name: string): Locator {
		return this.root.locator(byTestId(`parameter-input-${name}`));
	}

	/** Name of the credential that is chosen. */
	async credential(): Promise<string> {
		return await this.root.locator(`${byTestId('node-credentials-select')} input`).inputValue();
	}

	/** What is chosen in a drop-down. */
	async choice(parameter: string): Promise<string> {
		return await this.parameter(parameter).locator('input').first().inputValue();
	}

	/** Picks an app: "From list", a search, the first hit. */
	async pickApp(search: string): Promise<void> {
		await this.root.locator(byTestId('rlc-input')).click();
		await this.page.locator(`${byTestId('rlc-search')}:visible`).fill(search);
		await this.page
			.locator(`${byTestId('rlc-item')}:visible`)
			.filter({ hasText: search })
			.first()
			.click();
	}

	/** Picks an option of a drop-down. */
	async choose(parameter: string, option: string): Promise<void> {
		await this.parameter(parameter).click();
		await this.page.getByRole('option', { name: option }).first().click();
	}

	/** Adds an optional field to the form of an app. */
	async addField(name: string): Promise<void> {
		await this.root.getByText('Add field to send').click();
		await this.page.getByRole('menuitem', { name }).first().click();
	}

	/** Types into a text parameter or a field of the form. */
	async type(parameter: string, text: string): Promise<void> {
		await this.parameter(parameter).locator('input, textarea').first().fill(text);
		await this.page.keyboard.press('Tab');
	}

	/** Types an expression into a text parameter or a field of the form. n8n takes it a little later. */
	async typeExpression(parameter: string, expression: string): Promise<void> {
		const field = this.field(parameter);
		await field.hover();
		await field.locator(byTestId('radio-button-expression')).click();
		await field.locator('[contenteditable="true"]').first().click();
		// At once: bit by bit, the editor of expressions would add brackets of its own.
		await this.page.keyboard.press('ControlOrMeta+A');
		await this.page.keyboard.insertText(expression);
		await this.page.keyboard.press('Escape');
	}

	/** The mark at a field of the form that something is wrong or missing. */
	complaint(field: string): Locator {
		return this.field(field).locator(byTestId('parameter-issues'));
	}

	/** What takes a field out of the form. */
	removal(field: string): Locator {
		return this.root.locator(byTestId(`remove-field-button-${field}`));
	}

	/** A parameter with what is around its control. */
	private field(name: string): Locator {
		const control = this.page.locator(byTestId(`parameter-input-${name}`));
		return this.root.locator('.parameter-item').filter({ has: control });
	}

	/** Presses "Execute step". */
	async execute(): Promise<void> {
		await this.root.locator(byTestId('node-execute-button')).click();
	}

	/** Texts that are not seen as a whole, one a line, and lists that can be scrolled sideways. */
	async cutTexts(): Promise<string> {
		const ask = `(${CUT_TEXTS})(document.querySelector('${byTestId('ndv')}'))`;
		return String(await this.page.evaluate(ask));
	}

	async close(): Promise<void> {
		await this.root.locator(byTestId('ndv-close-button')).click();
	}
}

/** In the page. Widths are rounded there: a pixel more is no more. */
const CUT_TEXTS = `(panel) => {
	const right = panel.getBoundingClientRect().right + 1;
	const isCut = (part) =>
		part.clientWidth > 0 &&
		(part.scrollWidth > part.clientWidth + 1 || part.getBoundingClientRect().right > right);
	const textOf = (part) =>
		part.tagName === 'INPUT'
			? part.value || part.placeholder
			: [...part.childNodes].map(({ nodeType, data }) => (nodeType === 3 ? data : '')).join('');
	const lists = [panel, ...panel.querySelectorAll('[data-test-id="node-parameters"]')];
	return [
		...lists.filter(isCut).map(({ scrollWidth }) => 'a list that is wide: ' + scrollWidth),
		...[...panel.querySelectorAll('*')].filter(isCut).map((part) => textOf(part).trim()),
	].filter((text) => text !== '').join('\\n');
}`;
