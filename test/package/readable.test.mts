/** Whether a stack trace, a bug report and an auditor can read the published code. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { INodeParameters, INodeType } from 'n8n-workflow';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { runNode } from '../engine/engine.mts';
import { appRef, credentialsOf, QUICK, useSandbox } from '../engine/support.mts';
import { ROOT } from './pack.mts';

const CODE = path.join(ROOT, 'dist', 'nodes', 'inferencesh.js');
const lines = readFileSync(CODE, 'utf8').split('\n');
/** Two modules may use one name; the second one's gets a suffix. */
const SUFFIX = /\$\d+$/;

/** Name of a module and the number of its first line, from the headings of the published code. */
const headings = lines.flatMap((line, index) => {
	const [, name] = /^\/\/ (\S+)$/.exec(line) ?? [];
	return name === undefined ? [] : [{ name, line: index + 1 }];
});

/** Code of each module, as published. */
const published = new Map(
	headings.map(({ name, line }, index) => [
		name,
		lines.slice(line, (headings[index + 1]?.line ?? lines.length + 1) - 1).join('\n'),
	]),
);

interface Names {
	readonly classes: ReadonlySet<string>;
	/** Of functions, methods, getters and setters. */
	readonly functions: ReadonlySet<string>;
}

/** What a module gives names to, and that runs. */
function namesIn(code: string, file: string): Names {
	const classes = new Set<string>();
	const functions = new Set<string>();
	const visit = (node: ts.Node): void => {
		if (ts.isClassDeclaration(node) && node.name) classes.add(node.name.text);
		if (ts.isVariableDeclaration(node) && node.initializer && ts.isIdentifier(node.name)) {
			if (ts.isClassExpression(node.initializer)) {
				// Either of them is what a stack shows; an inner name wins.
				classes.add((node.initializer.name ?? node.name).text);
			}
		}
		const runs =
			(ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isAccessor(node)) &&
			node.body !== undefined;
		if (runs && node.name) functions.add(node.name.getText());
		ts.forEachChild(node, visit);
	};
	visit(ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true));
	return { classes, functions };
}

const sources = globSync('{nodes,credentials}/**/*.ts', { cwd: ROOT }).sort();

describe('the published code', () => {
	it('has a heading for each module, and nothing else in it but p-limit', () => {
		const own = headings.filter(({ name }) => /^(nodes|credentials)\//.test(name));
		expect(own.filter(({ name }) => !existsSync(path.join(ROOT, name)))).toEqual([]);
		expect(own.length).toBeGreaterThan(100);
		const others = headings.map(({ name }) => name).filter((name) => !sources.includes(name));
		// What starts with \0 is the bundler's: how modules are joined, how `using` works.
		expect(others.filter((name) => !name.startsWith('\\0'))).toEqual([
			'node_modules/yocto-queue/index.js',
			'node_modules/p-limit/index.js',
		]);
	});

	it('keeps the names of classes, functions and methods', () => {
		const lost = sources.flatMap((file) => {
			const wanted = namesIn(readFileSync(path.join(ROOT, file), 'utf8'), file);
			const kept = namesIn(published.get(file) ?? '', file);
			const functions = new Set([...kept.functions].map((name) => name.replace(SUFFIX, '')));
			return [
				...[...wanted.classes].filter((name) => !kept.classes.has(name)),
				...[...wanted.functions].filter((name) => !functions.has(name)),
			].map((name) => `${name} of ${file}`);
		});
		expect(lost).toEqual([]);
	});

	it('names the licence of what is in it', () => {
		const text = lines.join('\n');
		expect(text).toContain('p-limit and yocto-queue');
		expect(text).toContain(
			'The above copyright notice and this permission notice shall be included',
		);
	});
});

interface Frame {
	readonly module: string;
	readonly name: string;
}

/** The frames of a stack that are in the published code: the module of each, and the function. */
function framesOf(stack: string): readonly Frame[] {
	return [...stack.matchAll(/^\s+at (?:async )?(\S+) \((.+):(\d+):\d+\)$/gm)].flatMap(
		([, called = '', file, line]) => {
			if (file !== CODE) return [];
			const module = headings.findLast((heading) => heading.line < Number(line))?.name ?? '';
			return [{ module, name: (called.split('.').at(-1) ?? '').replace(SUFFIX, '') }];
		},
	);
}

describe("an error's stack names functions and modules that are in the sources, if", () => {
	const sandbox = useSandbox();
	const { RunApp } = createRequire(import.meta.url)(
		path.join(ROOT, 'dist', 'nodes', 'RunApp', 'RunApp.node.js'),
	) as { RunApp: new () => INodeType };

	it.each<[string, INodeParameters]>([
		['a setting is wrong', { concurrency: -1 }],
		['a parameter of an item is wrong', { app: appRef('no app') }],
		['the service refuses', { app: appRef('sandbox/nothing-like-it') }],
		['a task fails', { app: appRef('sandbox/fail') }],
	])('%s', async (_case, parameters) => {
		const { error } = await runNode({
			node: new RunApp(),
			credentials: credentialsOf(sandbox()),
			parameters: { app: appRef('sandbox/echo'), inputMode: 'item', ...parameters, options: QUICK },
		});
		const frames = framesOf(error?.stack ?? '');
		expect(frames.length, error?.stack).toBeGreaterThan(3);
		for (const { module, name } of frames) {
			const source = readFileSync(path.join(ROOT, module), 'utf8');
			expect(source, `${name} in ${module}`).toMatch(new RegExp(`\\b${name}\\b`));
		}
		// V8 shows ten frames, so not always as far as the node.
		expect(new Set(frames.map(({ module }) => module)).size, error?.stack).toBeGreaterThan(2);
	});
});
