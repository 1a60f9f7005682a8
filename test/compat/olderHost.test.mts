/** What an n8n before 2.16 or 2.39 cannot do, and says so. Run by `npm run test:compat` only. */
import { createRequire } from 'node:module';
import path from 'node:path';

import { describe, expect, test } from 'vitest';

import { jsonOf, runApp } from '../engine/support.mts';
import { askModel } from '../nodes/LmChatInferenceSh/asking.mts';
import { useSandbox } from '../useSandbox.mts';
import { HOST_VARIABLE } from './hosts.mts';

describe('an older n8n', () => {
	const sandbox = useSandbox();

	test('is what these tests run in', () => {
		const host = process.env[HOST_VARIABLE] ?? '';
		const require = createRequire(path.join(host, 'host.js'));
		const { version } = require('n8n-workflow/package.json') as { version: string };
		expect(version).toMatch(/^(1\.|2\.0\.)/);
	});

	test('refuses to wait for the callback, and nothing is bought', async () => {
		const run = await runApp(sandbox(), { parameters: { wait: 'webhook' } });
		expect(run.error?.message).toContain(
			'"Wait" set to "For the Callback" needs n8n 2.39 or newer',
		);
		expect(sandbox().tasks()).toEqual([]);
	});

	test('has no SDK for chat models, and is told so', async () => {
		const run = await askModel(sandbox(), async () => ({}));
		expect(run.error?.message).toBe('The chat model needs n8n 2.16 or newer');
		expect(sandbox().requests).toEqual([]);
	});

	test('runs an app', async () => {
		const run = await runApp(sandbox(), { items: [{ text: 'hello' }] });
		expect(jsonOf(run)).toMatchObject([{ output: { echo: { text: 'hello' } } }]);
	});
});
