/** What the benchmark leaves behind: all numbers as JSON, and two charts. */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { comparisonChart, growthChart } from './charts.mts';
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

/**
 * Writes `bench.json` and the charts that the README shows. A quick run is too short to be
 * published: its files go into a folder of their own, which Git ignores.
 *
 * @returns the files
 */
export async function writeReport(
	root: string,
	measures: readonly Measure[],
	quick: boolean,
): Promise<string[]> {
	const folder = quick ? path.join(root, '.bench') : root;
	const images = quick ? folder : path.join(root, 'docs/images');
	await mkdir(images, { recursive: true });
	const json = path.join(folder, 'bench.json');
	const report = {
		measured: new Date().toISOString(),
		quick,
		machine: {
			node: process.version,
			platform: `${process.platform} ${process.arch}`,
			cores: availableParallelism(),
		},
		measures: measures.map(plain),
	};
	const style = await resolveConfig(path.join(root, 'bench.json'));
	const files: ReadonlyArray<readonly [string, string]> = [
		[json, await format(JSON.stringify(report), { ...style, parser: 'json' })],
		[path.join(images, 'bench.svg'), comparisonChart(measures)],
		[path.join(images, 'growth.svg'), growthChart(measures)],
	];
	for (const [file, text] of files) await writeFile(file, text);
	return files.map(([file]) => file);
}
