/** How many clicks a person needs from an empty canvas to the first result. */
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';

import { useInstance } from '../n8n/instance.mts';
import { Editor } from './editor.mts';

/** As the README says. */
const MOST_CLICKS = 7;
const MOST_FIELDS = 3;
const byTestId = (id: string): string => `[data-test-id="${id}"]`;

/** In the page: what a mouse and a keyboard do there. */
const COUNT = `
	window.clicks = 0;
	window.typed = [];
	addEventListener('pointerdown', ({ isTrusted }) => { if (isTrusted) window.clicks += 1; }, true);
	addEventListener('input', ({ isTrusted, target }) => {
		if (isTrusted && !window.typed.includes(target)) window.typed.push(target);
	}, true);
`;

const instance = useInstance();
let editor: Editor;

beforeAll(async () => {
	editor = await Editor.open(instance().rest.url, inject('n8n').owner);
});
afterAll(async () => {
	await editor?.[Symbol.asyncDispose]();
});
afterEach(async ({ task }) => {
	if (task.result?.state === 'fail') await editor.keepPicture('first-result-failure');
});

/** Types where the cursor is; a person who wants to type somewhere else has to click there first. */
async function type(into: Locator, text: string): Promise<void> {
	await into.and(editor.page.locator(':focus')).waitFor({ timeout: 10_000 });
	await editor.page.keyboard.type(text);
}

test(`from an empty canvas to the first result it takes ${MOST_CLICKS} clicks and ${MOST_FIELDS} fields at most`, async () => {
	const { page } = editor;
	await editor.openEmpty();
	await page.evaluate(COUNT);

	await page.locator(byTestId('canvas-plus-button')).first().click();
	await type(page.locator(byTestId('node-creator-search-bar')), 'inference');
	await page
		.locator(byTestId('node-creator-item-name'))
		.filter({ hasText: 'Inference.sh Run App' })
		.click();
	await page.getByRole('button', { name: 'Add to workflow' }).click();
	const panel = await editor.openedPanel();
	await panel.root.locator(byTestId('rlc-input')).click();
	await type(page.locator(`${byTestId('rlc-search')}:visible`), 'claude');
	await page
		.locator(`${byTestId('rlc-item')}:visible`)
		.filter({ hasText: 'Claude Sonnet 5' })
		.click();
	const text = panel.parameter('text').locator('input, textarea').first();
	await text.click();
	await type(text, 'Name a city by the sea.');
	await panel.execute();
	await panel.output.getByText('You said').first().waitFor();

	const clicks = Number(await page.evaluate('window.clicks'));
	const typed = Number(await page.evaluate('window.typed.length'));
	console.log(
		`From an empty canvas to the first result: ${clicks} clicks, ${typed} fields typed into`,
	);
	expect(clicks).toBeLessThanOrEqual(MOST_CLICKS);
	expect(typed).toBeLessThanOrEqual(MOST_FIELDS);
});
