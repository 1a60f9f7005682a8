/** Whether the links of the documentation, and those of the nodes to it, lead anywhere. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './pack.mts';

const { homepage } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
	homepage: string;
};
const SOURCES = ['*.md', 'docs/**/*.md', 'nodes/**/*.node.json', 'credentials/*.ts'];

/** Targets of Markdown links, and addresses within the project. */
function linksIn(text: string): readonly string[] {
	const markdown = [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) => target ?? []);
	const addresses = [...text.matchAll(/['"](https:[^'"]+)['"]/g)].flatMap(([, url]) => url ?? []);
	return [...markdown, ...addresses];
}

/** The file that a link leads to, relative to the project, and the heading in it. */
function targetOf(link: string, from: string): { file: string; anchor: string } | undefined {
	const [address = '', anchor = ''] = link.split('#');
	if (address === homepage) return { file: 'README.md', anchor };
	const inside = `${homepage}/blob/main/`;
	if (address.startsWith(inside)) return { file: address.slice(inside.length), anchor };
	if (/^[a-z]+:/.test(address)) return undefined;
	const file = address === '' ? from : path.posix.join(path.posix.dirname(from), address);
	return { file, anchor };
}

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(page: string): readonly string[] {
	return [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
		heading
			.toLowerCase()
			.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
			.trim()
			.replaceAll(/\s/g, '-'),
	);
}

const files = globSync(SOURCES, { cwd: ROOT }).sort();

describe('the links of', () => {
	it.each(files)('%s', async (from) => {
		const links = linksIn(await readFile(path.join(ROOT, from), 'utf8'));
		for (const link of links) {
			const target = targetOf(link, from);
			if (!target) continue;
			const page = await readFile(path.join(ROOT, target.file), 'utf8');
			if (target.anchor !== '') expect(anchorsOf(page), link).toContain(target.anchor);
		}
	});
});
