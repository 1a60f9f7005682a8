/**
 * Whether texts call parameters and choices exactly what the panel calls them. They put such a name
 * into quotes; what is in quotes has to be there, and what has no quotes must not look like a name.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { ROOT } from './pack.mts';
import {
	ALL_PROPERTIES,
	CREDENTIAL,
	DESCRIPTIONS,
	namesIn,
	parametersIn,
	partsOf,
} from './panelNames.mts';

/** Names of n8n's own. */
const OF_N8N = ['Response Mode', 'When Last Node Finishes'];
/** What the fields of a form are called after. */
const OF_FORMS = /\((?:Input Data Field Names?|URLs?) or (?:URLs?|Binary|Binaries)\)/g;
/** What is written large in the middle of a sentence and is no parameter. */
const PROPER = new Set([
	...[
		'AI Agent',
		'Chat Trigger',
		'DateTime',
		'Edit Fields',
		'Webhook',
		'Authentication Required',
		'Webhook or Chat Trigger',
	],
	...['Inference.sh', 'Run App', 'Batch', 'Stream Task', 'Agent Message'],
	...[
		'Inference.sh Run App',
		'Inference.sh Batch',
		'Inference.sh Stream Task',
		'Inference.sh Agent Message',
		'Inference.sh Trigger',
	],
]);

/** The texts of a source: its literals of three words or more, with … for what is filled in. */
function textsOf(file: string): readonly string[] {
	const texts: string[] = [];
	const visit = (node: ts.Node): void => {
		if (ts.isImportDeclaration(node)) return;
		if (ts.isStringLiteralLike(node)) texts.push(node.text);
		if (ts.isTemplateExpression(node)) {
			texts.push(
				[node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('…'),
			);
		}
		ts.forEachChild(node, visit);
	};
	const source = readFileSync(path.join(ROOT, file), 'utf8');
	visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true));
	return texts.filter((text) => text.split(/\s+/).length >= 3);
}

/** What a text names that is not there. */
function wrongNames(text: string, names: ReadonlySet<string>): readonly string[] {
	const plain = text
		.replaceAll(/<code>[^]*?<\/code>|\{\{.*?\}\}/g, 'code')
		.replaceAll(OF_FORMS, 'form');
	const quoted = [...plain.matchAll(/"([^"]*)"/g)].flatMap(([, name = '']) => name);
	const rest = plain.replaceAll(/"[^"]*"/g, 'quoted');
	const large = [
		...rest.matchAll(
			/(?<=(?:^|[ (])[a-z0-9][^ .]* )[A-Z][a-z][\w.-]*(?: (?:(?:or|of|the|on) )?[A-Z][a-z][\w.-]*)*/g,
		),
	].map(([name]) => name.replace(/\.(?:from\w+)?$/, ''));
	const begins = parametersIn(ALL_PROPERTIES)
		.flatMap((name) => [name, name.replace(/^\w+: /, '')])
		.map((name) => name.replace(/ \(.*\)$/, ''))
		.filter((name) => name.includes(' ') && rest.includes(name));
	return [
		...quoted.filter(
			(name) =>
				/^[A-Z]/.test(name) &&
				name.split(' ').length < 9 &&
				!names.has(name) &&
				!OF_N8N.includes(name),
		),
		...large.filter((name) => !PROPER.has(name)),
		...begins,
	];
}

const everywhere = namesIn(ALL_PROPERTIES);

describe('the texts in', () => {
	const sources = globSync('nodes/**/*.ts', { cwd: ROOT })
		.map((file) => file.replaceAll(path.sep, '/'))
		.filter((file) => !/description|\.node\.ts$/.test(file))
		.sort();
	it.each(sources)('%s', (file) => {
		// Operations have their part of the panel in their own files.
		const texts = textsOf(file).filter((text) => !everywhere.has(text));
		const wrong = texts.map((text) => ({ text, names: wrongNames(text, everywhere) }));
		expect(wrong.filter(({ names }) => names.length > 0)).toEqual([]);
	});
});

describe('the panel of', () => {
	it.each([
		...DESCRIPTIONS.map(({ displayName, properties }) => ({ displayName, properties })),
		{ displayName: 'Inference.sh API', properties: CREDENTIAL },
	])('$displayName', ({ properties }) => {
		const names = namesIn([...properties, ...CREDENTIAL]);
		const texts = [...partsOf(properties)].flatMap((part) => [
			part.description ?? '',
			('hint' in part ? part.hint : undefined) ?? '',
		]);
		const wrong = texts.map((text) => ({ text, names: wrongNames(text, names) }));
		expect(wrong.filter(({ names: found }) => found.length > 0)).toEqual([]);
	});
});

describe('the options that have a group are called by it on', () => {
	const withoutUnit = (name: string) => name.replace(/ \(.*\)$/, '');
	const shown = [...everywhere].map(withoutUnit);
	const short = new Set(
		shown.flatMap((name) => /^(?:Output|Reuse|Limit|Retry|Chat|Task): (.+)$/.exec(name)?.[1] ?? []),
	);
	const pages = globSync(['README.md', 'docs/*.md', 'examples/*.json'], { cwd: ROOT }).sort();
	it.each(pages)('%s', (page) => {
		const text = readFileSync(path.join(ROOT, page), 'utf8');
		const emphasised = [...text.matchAll(/(?<![\w*])(_|\*\*)([A-Z][^_*\n]*?)\1(?!\w)/g)].map(
			([, , name = '']) => withoutUnit(name),
		);
		expect(emphasised.filter((name) => short.has(name) && !shown.includes(name))).toEqual([]);
		const grouped = [...text.matchAll(/_((?:Output|Reuse|Limit|Retry|Chat|Task): [^_\n]+)_/g)].map(
			([, name = '']) => withoutUnit(name),
		);
		expect(grouped.filter((name) => !shown.includes(name))).toEqual([]);
	});
});

it('the name of an option is seen as a whole: of a longer one n8n shows the beginning', () => {
	const names = DESCRIPTIONS.flatMap(({ properties }) => properties).flatMap((property) =>
		property.type === 'collection' ? parametersIn([property]) : [],
	);
	expect(names.filter((name) => name.length > 30)).toEqual([]);
});
