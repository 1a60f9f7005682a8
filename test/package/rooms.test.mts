/** Whether the code keeps to the rooms of docs/architecture.md and to what each of them may use. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { ARROWS } from './arrows.mts';
import { ROOT } from './pack.mts';

const WORDS_OF_ALL = ['client/errors', 'client/settings'];

/** The room of a file, by its path below the project's folder. */
function roomOf(file: string): string {
	const [, first = '', second = ''] = file.replace(/\.ts$/, '').split('/');
	return first === 'client' || first === 'shared' ? `${first}/${second}` : 'nodes';
}

function mayUse(from: string, to: string): boolean {
	if (from === to) return true;
	if (WORDS_OF_ALL.includes(to)) return !WORDS_OF_ALL.includes(from);
	const allowed = ARROWS[from] ?? [];
	return allowed.includes(to) || allowed.includes(`${to.split('/')[0]}/*`);
}

const files = globSync('{nodes,credentials}/**/*.ts', { cwd: ROOT });
const arrows = files.flatMap((file) => {
	const source = readFileSync(path.join(ROOT, file), 'utf8');
	return ts
		.preProcessFile(source)
		.importedFiles.map(({ fileName }) => fileName)
		.filter((name) => name.startsWith('.'))
		.map((name) => ({ file, target: path.posix.join(path.posix.dirname(file), `${name}.ts`) }));
});

describe('the rooms', () => {
	it('are all known', () => {
		const rooms = new Set(files.filter((file) => file.startsWith('nodes/')).map(roomOf));
		expect([...rooms].sort()).toEqual(Object.keys(ARROWS).sort());
	});

	it('use each other one way only, as the table says', () => {
		expect(arrows.length).toBeGreaterThan(300);
		const wrong = arrows
			.filter(({ file, target }) => !mayUse(roomOf(file), roomOf(target)))
			.map(({ file, target }) => `${file} imports ${target}`);
		expect(wrong).toEqual([]);
	});

	it('have no way round: what a room uses never leads back to it', () => {
		const rooms = Object.keys(ARROWS);
		const used = (from: string) => rooms.filter((to) => to !== from && mayUse(from, to));
		const left = new Set(rooms);
		// Room by room, those go that use only what is gone; a circle would stay.
		for (let gone = true; gone; ) {
			const free = [...left].filter((room) => used(room).every((to) => !left.has(to)));
			for (const room of free) left.delete(room);
			gone = free.length > 0;
		}
		expect([...left]).toEqual([]);
	});
});
