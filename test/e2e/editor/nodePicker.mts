/** The list in which a person looks for a node, and adds it. */
import type { Locator, Page } from 'playwright-core';

const byTestId = (id: string): string => `[data-test-id="${id}"]`;

export class NodePicker {
	private readonly root: Locator;
	private readonly page: Page;

	private constructor(page: Page) {
		this.page = page;
		this.root = page.locator(byTestId('node-creator'));
	}

	/**
	 * Opens it.
	 *
	 * @param plus what is clicked for it
	 * @param title what the list is called then
	 */
	static async open(page: Page, plus: Locator, title: string): Promise<NodePicker> {
		const picker = new NodePicker(page);
		await plus.click();
		await picker.root.locator(byTestId('nodes-list-header')).getByText(title).waitFor();
		return picker;
	}

	/**
	 * Opens and closes it once: while n8n is still loading the list, the plus of a tool leads to
	 * another one.
	 */
	static async load(page: Page): Promise<void> {
		const { root } = new NodePicker(page);
		await page.locator(byTestId('node-creator-plus-button')).click();
		await root.locator(byTestId('node-creator-search-bar')).waitFor();
		await page.keyboard.press('Escape');
		await root.waitFor({ state: 'hidden' });
	}

	/** Types into the search. */
	async search(words: string): Promise<void> {
		await this.root.locator(byTestId('node-creator-search-bar')).fill(words);
	}

	/** Names of the nodes that are listed, from the top. */
	async found(): Promise<readonly string[]> {
		const names = await this.root.locator(byTestId('node-creator-item-name')).allTextContents();
		return names.map((name) => name.trim());
	}

	/**
	 * Clicks a node in the list, and what n8n asks then.
	 *
	 * @param action which of its actions, if it has any
	 */
	async add(name: string, action?: RegExp): Promise<void> {
		await this.item(name).click();
		const panel = this.page.locator(byTestId('ndv'));
		// Of a node that a person has installed n8n shows the details first, but for a tool it does not.
		const next =
			action === undefined
				? this.root.getByRole('button', { name: 'Add to workflow' })
				: this.item(action);
		await next.or(panel).first().waitFor();
		if (await next.isVisible()) await next.click();
	}

	/** Clicks a node in the list, and sees its actions. */
	async open(name: string): Promise<void> {
		await this.item(name).click();
		await this.root.locator(byTestId('node-creator-category-item')).first().waitFor();
	}

	/** All lines of the list, with the titles of its groups. */
	async listed(): Promise<readonly string[]> {
		const lines = await this.root.locator(byTestId('item-iterator-item')).allTextContents();
		return lines.map((line) => line.trim());
	}

	/** Shows what a category has, such as the triggers among the actions of a node. */
	async unfold(category: string): Promise<void> {
		await this.root
			.locator(byTestId('node-creator-category-item'))
			.filter({ hasText: category })
			.click();
	}

	/** Clicks an action. */
	async choose(action: RegExp): Promise<void> {
		await this.item(action).click();
	}

	private item(name: string | RegExp): Locator {
		const exact = typeof name === 'string' ? new RegExp(`^\\s*${escaped(name)}\\s*$`) : name;
		return this.root.locator(byTestId('node-creator-item-name')).filter({ hasText: exact }).first();
	}
}

const escaped = (text: string): string => text.replaceAll(/[^\w\s]/g, String.raw`\$&`);
