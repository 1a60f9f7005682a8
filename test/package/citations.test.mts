/** Whether everything that code and tests cite of docs/api-notes.md is there. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './pack.mts';

const NOTES = 'docs/api-notes.md';
const SOURCES = '{nodes,credentials,test}/**/*.{ts,mts}';
/** `API notes 1.4`, and what follows it: `4.2, 4.3`, `5.1 and 6.1`, `11, row 7`. */
const CITATION = /\bAPI notes\b((?:(?:,| and| to)? (?:row )?\d+(?:\.\d+)?)*)/g;

interface Citation {
	readonly file: string;
	readonly text: string;
	readonly sections: readonly string[];
	readonly rows: readonly string[];
}

/** Text whose comments are not interrupted by the ends of their lines. */
function flowing(source: string): string {
	return source.replaceAll(/\s*\n\s*(?:\*(?!\/)|\/\/)\s*/g, ' ');
}

function citationsIn(file: string, source: string): readonly Citation[] {
	return [...flowing(source).matchAll(CITATION)].map(([text, numbers = '']) => ({
		file,
		text,
		sections: [...numbers.matchAll(/(?<!row )\b\d+(?:\.\d+)?/g)].map(([number]) => number),
		rows: [...numbers.matchAll(/row (\d+)/g)].flatMap(([, number]) => number ?? []),
	}));
}

const files = globSync(SOURCES, { cwd: ROOT }).filter((file) => !file.includes('citations.test'));
const citations = (
	await Promise.all(
		files.map(async (file) => citationsIn(file, await readFile(path.join(ROOT, file), 'utf8'))),
	)
).flat();
const notes = await readFile(path.join(ROOT, NOTES), 'utf8');
const headings = [...notes.matchAll(/^#+ (\d+(?:\.\d+)?)\.? /gm)].flatMap(
	([, number]) => number ?? [],
);
const where = ({ file, text }: Citation) => `${file}: ${text}`;

describe('citations of the API notes', () => {
	it('are found, also over the end of a line', () => {
		expect(citations.length).toBeGreaterThan(30);
		const [wrapped] = citationsIn('some.ts', '/**\n * See (API\n * notes 11, row 7).\n */');
		expect(wrapped).toMatchObject({ sections: ['11'], rows: ['7'] });
		expect(citationsIn('some.ts', '// API notes 5.1 and 6.1, 7.5.')[0]?.sections).toEqual([
			'5.1',
			'6.1',
			'7.5',
		]);
	});

	it('name a section', () => {
		expect(citations.filter(({ sections }) => sections.length === 0).map(where)).toEqual([]);
	});

	it('lead to a heading', () => {
		const lost = citations.filter((one) => one.sections.some((each) => !headings.includes(each)));
		expect(lost.map(where)).toEqual([]);
	});

	it('lead to a row of its table, if they name one', () => {
		const table = notes.slice(notes.indexOf('\n## 11.'), notes.indexOf('\n## 12.'));
		const lost = citations.filter((one) => one.rows.some((row) => !table.includes(`\n| ${row} |`)));
		expect(lost.map(where)).toEqual([]);
		const named = citations.filter(({ rows }) => rows.length > 0);
		expect(named.filter(({ sections }) => !sections.includes('11')).map(where)).toEqual([]);
	});
});

it('the sections of the API notes are numbered once each, in order', () => {
	const value = (number: string) => {
		const [whole = '0', part = '0'] = number.split('.');
		return Number(whole) * 100 + Number(part);
	};
	const values = headings.map(value);
	expect(values).toEqual([...new Set(values)].toSorted((left, right) => left - right));
});
