/** n8n's own chat below the canvas, by what a person does there. */
import type { Locator, Page } from 'playwright-core';

const byTestId = (id: string): string => `[data-test-id="${id}"]`;

export class ChatPanel {
	private readonly root: Locator;

	private constructor(root: Locator) {
		this.root = root;
	}

	/** Opens the chat of the workflow that is shown. n8n keeps it open from one workflow to the next. */
	static async open(page: Page): Promise<ChatPanel> {
		const panel = new ChatPanel(page.locator(byTestId('canvas-chat')));
		const button = page.locator(byTestId('workflow-chat-button'));
		await button.waitFor();
		if (/^\s*Open/.test((await button.textContent()) ?? '')) await button.click();
		await panel.input.waitFor();
		return panel;
	}

	/** Sends a message. */
	async say(text: string): Promise<void> {
		await this.input.fill(text);
		await this.input.press('Enter');
	}

	/** What has been answered, as it is to be read; one text for each bubble. */
	async answers(): Promise<readonly string[]> {
		const texts = await this.root.locator('.chat-message-from-bot').allInnerTexts();
		return texts.map((text) => text.trim());
	}

	private get input(): Locator {
		return this.root.locator('textarea');
	}
}
