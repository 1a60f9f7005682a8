/**
 * What decides whether people find the nodes: n8n's search reads the codex files. The rules are those
 * of n8n's lint that the version among the development dependencies does not have yet.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, readManifest } from './pack.mts';

interface Codex {
	readonly node: string;
	readonly categories: readonly string[];
	readonly subcategories?: unknown;
	readonly alias: readonly string[];
}

/** What n8n groups services by. `AI` hides a node from the search, unless it is a model. */
const CATEGORIES = [
	'Analytics',
	'Communication',
	'Data & Storage',
	'Development',
	'Finance & Accounting',
	'Marketing',
	'Miscellaneous',
	'Productivity',
	'Sales',
	'Utility',
];
const CHAT_MODEL = {
	categories: ['AI'],
	subcategories: {
		AI: ['Language Models', 'Root Nodes'],
		'Language Models': ['Chat Models (Recommended)'],
	},
};
const ACCOUNT_ID =
	/\b(partner|affiliate|reseller|account|tenant|customer|client)_?id['"]?\s*[:=]\s*['"`][^'"`]/i;

const sources = globSync('nodes/*/*.node.ts', { cwd: ROOT }).map((file) => ({
	file,
	text: readFileSync(path.join(ROOT, file), 'utf8'),
	codex: JSON.parse(readFileSync(path.join(ROOT, file.replace(/\.ts$/, '.json')), 'utf8')) as Codex,
}));

describe.each(sources)('$file', ({ text, codex }) => {
	it('belongs to the node', () => {
		const [, name] = /\bname: '(\w+)',/.exec(text) ?? [];
		expect(codex.node).toBe(`n8n-nodes-inferencesh.${name}`);
	});

	it('has categories that n8n knows, and none that hides it', () => {
		expect(codex.categories).not.toEqual([]);
		// A chat model is looked for where n8n has its own.
		if (text.includes("from '@n8n/ai-node-sdk'")) {
			expect(codex).toMatchObject(CHAT_MODEL);
			return;
		}
		for (const category of codex.categories) expect(CATEGORIES).toContain(category);
		expect(codex).not.toHaveProperty('subcategories');
	});

	it('is found by the service, and by other words, each said once', () => {
		const words = codex.alias.map((word) => word.toLowerCase());
		expect(words).toEqual(expect.arrayContaining(['inference', 'ai']));
		expect(words.length).toBeGreaterThan(10);
		expect(words).toEqual([...new Set(words)]);
	});

	it('has one credential and no account of its own in it', () => {
		expect([...text.matchAll(/credentials: \[(.*)\]/g)].map(([, inner]) => inner)).toEqual([
			"{ name: 'inferenceShApi', required: true }",
		]);
		expect(text).not.toMatch(ACCOUNT_ID);
	});
});

it('the words of a trigger are those of the node that n8n lists it under, or nobody finds it', () => {
	const words = (node: string): readonly string[] =>
		sources.find(({ codex }) => codex.node.endsWith(`.${node}`))?.codex.alias ?? [];
	expect(words('inferenceSh')).toEqual(expect.arrayContaining([...words('inferenceShTrigger')]));
});

it('the package is a package of its own under the MIT licence', async () => {
	const { license, workspaces } = await readManifest(ROOT);
	expect(license).toBe('MIT');
	expect(workspaces).toBeUndefined();
	expect(readFileSync(path.join(ROOT, 'LICENSE'), 'utf8')).toMatch(/^MIT License/);
});
