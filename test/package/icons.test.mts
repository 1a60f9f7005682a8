/** Whether people can see the icons, and tell them apart. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AgentMessage } from '../../nodes/AgentMessage/AgentMessage.node.ts';
import { Batch } from '../../nodes/Batch/Batch.node.ts';
import { InferenceSh } from '../../nodes/InferenceSh/InferenceSh.node.ts';
import { LmChatInferenceSh } from '../../nodes/LmChatInferenceSh/LmChatInferenceSh.node.ts';
import { InferenceShTrigger } from '../../nodes/InferenceShTrigger/InferenceShTrigger.node.ts';
import { RunApp } from '../../nodes/RunApp/RunApp.node.ts';
import { StreamTask } from '../../nodes/StreamTask/StreamTask.node.ts';
import { BEHIND_ICONS, contrast, LEAST_CONTRAST, type Theme } from './contrast.mts';
import { ROOT } from './pack.mts';

const FOLDERS = {
	RunApp,
	Batch,
	StreamTask,
	AgentMessage,
	LmChatInferenceSh,
	InferenceSh,
	InferenceShTrigger,
};
const THEMES: readonly Theme[] = ['light', 'dark'];

const nodes = Object.entries(FOLDERS).map(([folder, Node]) => {
	const { icon } = new Node().description;
	if (typeof icon !== 'object') throw new Error(`${folder} has no icons by theme`);
	const drawing = (file: string) =>
		readFileSync(path.join(ROOT, 'nodes', folder, file.replace(/^file:/, '')), 'utf8');
	return { folder, icons: { light: drawing(icon.light), dark: drawing(icon.dark) } };
});
const mark = (theme: Theme) =>
	readFileSync(
		path.join(ROOT, 'credentials', `inferencesh${theme === 'dark' ? '.dark' : ''}.svg`),
		'utf8',
	);

/** The colours that a drawing paints with, each once. */
function coloursOf(svg: string): readonly string[] {
	const painted = [...svg.matchAll(/\b(?:fill|stroke|stop-color)="([^"]+)"/g)].flatMap(
		([, colour]) => (colour === undefined || colour === 'none' ? [] : colour),
	);
	return [...new Set(painted)].sort();
}

/** A drawing without its colours. */
const shapeOf = (svg: string) => svg.replaceAll(/#[0-9a-f]{6}/g, '');

describe.each(THEMES)('in the %s theme', (theme) => {
	it.each([
		...nodes.map(({ folder, icons }) => ({ folder, svg: icons[theme] })),
		...[{ folder: 'the credential', svg: mark(theme) }],
	])('each colour of $folder stands out wherever n8n shows it', ({ svg }) => {
		const colours = coloursOf(svg);
		expect(colours).toHaveLength(2);
		for (const colour of colours) {
			for (const background of BEHIND_ICONS[theme]) {
				expect(contrast(colour, background)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
			}
		}
	});

	it('the nodes are of one family: the colours of the mark, on the same square', () => {
		for (const { icons } of nodes) {
			expect(coloursOf(icons[theme])).toEqual(coloursOf(mark(theme)));
			expect(icons[theme]).toContain('viewBox="0 0 64 64"');
		}
	});

	it('no two of them look the same', () => {
		const shapes = [...nodes.map(({ icons }) => icons[theme]), mark(theme)].map(shapeOf);
		expect(new Set(shapes).size).toBe(shapes.length);
	});
});

it.each(nodes)('$folder is the same drawing in both themes', ({ icons }) => {
	expect(shapeOf(icons.light)).toBe(shapeOf(icons.dark));
});

it('no node has been forgotten here', () => {
	const folders = globSync('nodes/*/*.node.ts', { cwd: ROOT }).map((file) =>
		path.basename(path.dirname(file)),
	);
	expect(folders.sort()).toEqual(Object.keys(FOLDERS).sort());
});

describe('contrast is measured as WCAG says', () => {
	it.each([
		['#000000', '#ffffff', 21],
		['#ffffff', '#ffffff', 1],
		['#767676', '#ffffff', 4.54],
		['#2b2b2b', '#000000', 1.48],
	])('%s on %s: %d', (one, other, ratio) => {
		expect(contrast(one, other)).toBeCloseTo(ratio, 1);
		expect(contrast(other, one)).toBe(contrast(one, other));
	});
});
