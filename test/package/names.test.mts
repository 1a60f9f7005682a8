/** Whether the pages for those who work on the code name what is there. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { ARROWS } from './arrows.mts';
import { ROOT } from './pack.mts';

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const PAGES = [
	'docs/architecture.md',
	'docs/api-notes.md',
	'docs/contributing.md',
	'SECURITY.md',
].concat(globSync('docs/decisions/*.md', { cwd: ROOT }).sort());
/** What begins with one of these is a path; within the sources it is given below `nodes/`, without its ending. */
const WITHIN_NODES =
	/^(?:client|shared|RunApp|Batch|StreamTask|AgentMessage|LmChatInferenceSh|InferenceSh|InferenceShTrigger)\/\S+$/;
const WITHIN_PROJECT =
	/^(?:nodes|test|docs|examples|credentials|\.github)\/\S*$|^[\w.-]+\.(?:js|mjs|json|md)$/;

function codeIn(page: string): readonly string[] {
	const prose = read(page).replaceAll(/^```[^]*?^```/gm, '');
	return [...prose.matchAll(/`([^`\n]+)`/g)].flatMap(([, code]) => code ?? []);
}

function exists(name: string): boolean {
	const places = WITHIN_NODES.test(name)
		? [`nodes/${name}.ts`, `nodes/${name}`]
		: [name.replace(/\/$/, '')];
	return places.some((place) => existsSync(path.join(ROOT, place)));
}

/** What each source declares: functions, classes, `Class.member`, types, constants. */
const declaredIn = new Map<string, ReadonlySet<string>>();
for (const file of globSync('{nodes,credentials,test}/**/*.{ts,mts}', { cwd: ROOT })) {
	declaredIn.set(file.replaceAll(path.sep, '/'), declarationsOf(file));
}
const declared = new Set([...declaredIn.values()].flatMap((names) => [...names]));

function declarationsOf(file: string): ReadonlySet<string> {
	const names = new Set<string>();
	const visit = (node: ts.Node, owner: string | undefined): void => {
		const named =
			ts.isFunctionDeclaration(node) ||
			ts.isClassLike(node) ||
			ts.isInterfaceDeclaration(node) ||
			ts.isTypeAliasDeclaration(node) ||
			ts.isVariableDeclaration(node) ||
			ts.isClassElement(node) ||
			ts.isTypeElement(node);
		const name = named ? node.name?.getText() : undefined;
		if (name !== undefined) names.add(name);
		if (name !== undefined && owner !== undefined) names.add(`${owner}.${name}`);
		const holder = ts.isClassLike(node) || ts.isInterfaceDeclaration(node);
		ts.forEachChild(node, (child) => visit(child, holder ? name : owner));
	};
	visit(ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true), undefined);
	return names;
}

/** Names of n8n, Node.js and undici, which the pages have as well. */
const OTHERS = new Set([
	...['AbortController', 'AbortSignal', 'Client', 'NodeApiError'],
	...['execute', 'import', 'setTimeout', 'throwIfAborted'],
]);

describe('the names on', () => {
	it.each(PAGES)('%s', (page) => {
		const code = codeIn(page);
		const paths = code.filter((name) => WITHIN_NODES.test(name) || WITHIN_PROJECT.test(name));
		expect(paths.filter((name) => !/[<>*{]/.test(name) && !exists(name))).toEqual([]);
		const calls = code.flatMap((name) => /^([\w.]+)\(\)$/.exec(name)?.[1] ?? []);
		const classes = code.filter((name) => /^(?:[A-Z][a-z]+){2,}$/.test(name));
		expect(
			calls.concat(classes).filter((name) => !declared.has(name) && !OTHERS.has(name)),
		).toEqual([]);
	});
});

it('what docs/architecture.md names after a path is declared there', () => {
	const pairs = [
		...read('docs/architecture.md').matchAll(/`([\w/]+)`((?: (?:and )?`[A-Za-z.]+(?:\(\))?`)+)/g),
	].flatMap(([, file = '', names = '']) =>
		[...names.matchAll(/`([\w.]+)/g)].map(([, name = '']) => ({ file, name })),
	);
	expect(pairs.length).toBeGreaterThan(20);
	const elsewhere = pairs
		.filter(({ file }) => WITHIN_NODES.test(file))
		.filter(({ file, name }) => declaredIn.get(`nodes/${file}.ts`)?.has(name) !== true);
	expect(elsewhere).toEqual([]);
});

describe('the house on docs/architecture.md', () => {
	it('has the rooms and arrows that the code is held to', () => {
		const rows = [
			...read('docs/architecture.md').matchAll(/^\| `([\w/]+)` \| [^|]+ \| ([^|]*)\|$/gm),
		];
		const told = rows.map(([, room = '', uses = '']) => [
			room,
			[...uses.matchAll(/`([^`]+)`/g)].flatMap(([, name]) => name ?? []),
		]);
		const wanted = Object.entries(ARROWS).map(([room, uses]) => [
			room,
			room === 'nodes' ? [] : uses,
		]);
		expect(Object.fromEntries(told)).toEqual(Object.fromEntries(wanted));
	});

	it('has all rooms in its picture', () => {
		const picture = read('docs/images/house.svg');
		const drawn = [...picture.matchAll(/class="name"[^>]*>([^<]+)</g)].flatMap(
			([, name]) => name ?? [],
		);
		const rooms = Object.keys(ARROWS)
			.filter((room) => room !== 'nodes')
			.map((room) => room.split('/')[1]);
		const nodes = globSync('nodes/*/*.node.ts', { cwd: ROOT }).map((file) => file.split('/')[1]);
		for (const name of [...rooms, ...nodes]) expect(drawn).toContain(name);
	});
});
