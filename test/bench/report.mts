/** What the benchmark leaves behind: all numbers as JSON, and the charts. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { adaptingChart, comparisonChart, growthChart } from './charts.mts';
import { isMet, type Measure } from './measures.mts';

/** Rounds are kept as they were; more digits than these are noise. */
const DIGITS = 5;

function plain(measure: Measure) {
	const { id, what, unit, figure, target, note } = measure;
	const digits = (value: number) => Number(value.toPrecision(DIGITS));
	return {
		id,
		what,
		unit,
		median: digits(figure.median),
		low: digits(figure.low),
		high: digits(figure.high),
		rounds: figure.rounds.map(digits),
		...(target && { target, met: isMet(measure) }),
		...(note !== undefined && { note }),
	};
}

/** What `bench.json` keeps of a measure. */
type Kept = ReturnType<typeof plain>;

/** A measure of an earlier run, as far as charts need it. */
function asMeasure({ median, low, high, rounds, met: _met, ...rest }: Kept): Measure {
	return { ...rest, figure: { median, low, high, rounds } };
}

/**
 * The report of an earlier run with what was measured anew in its places.
 *
 * @param json the file of that run
 */
async function merged(json: string, measures: readonly Measure[]) {
	const earlier = JSON.parse(await readFile(json, 'utf8')) as {
		readonly measures: readonly Kept[];
	};
	const measured = new Date().toISOString();
	const anew = new Map(measures.map((one) => [one.id, { ...plain(one), measured }]));
	const kept = earlier.measures.map((one) => anew.get(one.id) ?? one);
	const known = new Set(kept.map(({ id }) => id));
	return {
		...earlier,
		measures: [...kept, ...[...anew.values()].filter(({ id }) => !known.has(id))],
	};
}

/** A report of a whole run. */
function whole(measures: readonly Measure[], quick: boolean) {
	return {
		measured: new Date().toISOString(),
		quick,
		machine: {
			node: process.version,
			platform: `${process.platform} ${process.arch}`,
			cores: availableParallelism(),
		},
		measures: measures.map(plain),
	};
}

/**
 * Writes `bench.json` and the charts that the README shows. A quick run is too short to be
 * published: its files go into a folder of their own, which Git ignores.
 *
 * @param isWhole whether everything was measured; otherwise the rest stays as it was
 * @returns the files
 */
export async function writeReport(
	root: string,
	measures: readonly Measure[],
	{ quick, isWhole }: { readonly quick: boolean; readonly isWhole: boolean },
): Promise<string[]> {
	const folder = quick ? path.join(root, '.bench') : root;
	const images = quick ? folder : path.join(root, 'docs/images');
	await mkdir(images, { recursive: true });
	const json = path.join(folder, 'bench.json');
	const report = isWhole ? whole(measures, quick) : await merged(json, measures);
	const style = await resolveConfig(path.join(root, 'bench.json'));
	const all = report.measures.map(asMeasure);
	const curves = (id: string) => measures.find((one) => one.id === id)?.curves;
	const [adapting, fixed] = [curves('adapting.time'), curves('adapting.waiting')];
	const files: ReadonlyArray<readonly [string, string]> = [
		[json, await format(JSON.stringify(report), { ...style, parser: 'json' })],
		[path.join(images, 'bench.svg'), comparisonChart(all)],
		[path.join(images, 'growth.svg'), growthChart(all)],
		...(adapting && fixed
			? [[path.join(images, 'adapting.svg'), adaptingChart(adapting, fixed)] as const]
			: []),
	];
	for (const [file, text] of files) await writeFile(file, text);
	return files.map(([file]) => file);
}
