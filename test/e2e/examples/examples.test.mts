/** Every committed example, imported into a real n8n and executed there. */
import { access, readFile } from 'node:fs/promises';
import path from 'node:path';

import { describe, expect, test } from 'vitest';

import { readExamples } from '../demo/demoInstance.mts';
import { checks } from './exampleChecks.mts';
import { useInstance } from '../n8n/instance.mts';
import { ROOT } from '../n8n/paths.mts';

const examples = await readExamples();

describe('examples', () => {
	const instance = useInstance();

	test.each(examples)('$file: $workflow.name', async ({ file, workflow }) => {
		const check = checks[file];
		if (!check) throw new Error(`No check is written for examples/${file}: see exampleChecks.mts.`);
		await check(instance(), workflow.id);
		expect(instance().sandbox.violations()).toEqual([]);
	});

	test('every check is for an example that exists', () => {
		expect(Object.keys(checks).sort()).toEqual(examples.map(({ file }) => file));
	});

	test('every example is on the page of examples, with a picture', async () => {
		const page = await readFile(path.join(ROOT, 'docs/examples.md'), 'utf8');
		for (const { file } of examples) {
			const picture = `examples/${file.replace(/json$/, 'png')}`;
			expect(page).toContain(`(../examples/${file})`);
			expect(page).toContain(picture);
			await access(path.join(ROOT, picture));
		}
	});

	test('no two examples, and no two nodes in them, share an id', () => {
		const ids = examples.flatMap(({ workflow }) => [
			workflow.id,
			...workflow.nodes.map(({ id }) => id),
		]);
		expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
	});
});
