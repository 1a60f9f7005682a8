/** The charts of the README, drawn from what was measured. */
import { init, type EChartsOption } from 'echarts';
import type { Curve, Measure } from './measures.mts';

/** Each colour with the one that takes its place where pages are dark. */
const COLOURS = {
	text: ['#1f2328', '#e6edf3'],
	faint: ['#59636e', '#9198a1'],
	line: ['#d1d9e0', '#3d444d'],
	ours: ['#5b3df5', '#a391ff'],
	others: ['#afb8c1', '#656c76'],
	second: ['#0a7d61', '#4fd1a8'],
} as const;
const [text, faint, line, ours, others, second] = [
	COLOURS.text[0],
	COLOURS.faint[0],
	COLOURS.line[0],
	COLOURS.ours[0],
	COLOURS.others[0],
	COLOURS.second[0],
];

/** An image inside a page follows the reader's system, not the page: the style is its own. */
const DARK_STYLE = `<style>@media (prefers-color-scheme: dark) {${Object.values(COLOURS)
	.map(([light, dark]) => `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`)
	.join('')}}</style>`;

// No name in quotes: they would end up inside those of an attribute.
const FONT = 'system-ui, -apple-system, Roboto, Arial, sans-serif';

function draw(option: EChartsOption, size: { width: number; height: number }): string {
	const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
	try {
		chart.setOption({
			animation: false,
			backgroundColor: 'transparent',
			textStyle: { fontFamily: FONT, color: text },
			...option,
		});
		return chart.renderToSVGString().replace(/^(<svg[^>]*>)/, `$1${DARK_STYLE}`);
	} finally {
		chart.dispose();
	}
}

/** A bar of a comparison. */
interface Bar {
	readonly name: string;
	readonly value: number;
}

function bars(
	measures: readonly Measure[],
	names: ReadonlyArray<readonly [string, string]>,
): Bar[] {
	return names.flatMap(([id, name]) => {
		const measure = measures.find((one) => one.id === id);
		return measure ? [{ name, value: measure.figure.median }] : [];
	});
}

const heading = (label: string, left: string) => ({
	text: label,
	left,
	top: 0,
	textStyle: { fontSize: 14, fontWeight: 600 as const, color: text },
});

/** Grid, axes and bars of one half of the comparison. */
function half(
	index: 0 | 1,
	rows: readonly Bar[],
	show: (value: number) => string,
	logarithmic: boolean,
) {
	return {
		grid: {
			left: index === 0 ? 150 : 590,
			width: 210,
			top: 34,
			bottom: 10,
		},
		xAxis: {
			gridIndex: index,
			type: logarithmic ? ('log' as const) : ('value' as const),
			show: false,
			...(logarithmic && { min: 0.1, startValue: 0.1 }),
		},
		yAxis: {
			gridIndex: index,
			type: 'category' as const,
			inverse: true,
			data: rows.map(({ name }) => name),
			axisLine: { show: false },
			axisTick: { show: false },
			axisLabel: { color: text, fontSize: 12 },
		},
		series: {
			type: 'bar' as const,
			xAxisIndex: index,
			yAxisIndex: index,
			barWidth: 18,
			data: rows.map(({ value }, place) => ({
				value,
				itemStyle: { color: place === 0 ? ours : others, borderRadius: 3 },
			})),
			label: {
				show: true,
				position: 'right' as const,
				color: text,
				fontSize: 12,
				formatter: ({ dataIndex }: { dataIndex: number }) => show(rows[dataIndex]?.value ?? 0),
			},
		},
	};
}

/** Tasks per second, and how late the end of a task is known, of all that were compared. */
export function comparisonChart(measures: readonly Measure[]): string {
	const speed = bars(measures, [
		['throughput.two.inference-sh-batch', 'Inference.sh Batch'],
		['throughput.two.bare-undici', 'bare undici'],
		['throughput.two.official-sdk-stream', 'official SDK'],
		['throughput.two.httprequest-helper-polling-every-ms', 'HTTP, polling'],
	]);
	const delay = bars(measures, [
		['latency.node', 'Inference.sh Batch'],
		['latency.sdk-stream', 'official SDK, stream'],
		['latency.sdk-poll', 'official SDK, poll'],
		['latency.helper', 'HTTP, polling'],
	]);
	const count = (value: number) => Math.round(value).toLocaleString('en-US');
	const ms = (value: number) => `${value < 10 ? value.toFixed(1) : count(value)} ms`;
	const left = half(0, speed, count, false);
	const right = half(1, delay, ms, true);
	return draw(
		{
			title: [
				heading('Tasks per second (higher is better)', '0'),
				heading('Task finished → known, log scale (lower is better)', '440'),
			],
			grid: [left.grid, right.grid],
			xAxis: [left.xAxis, right.xAxis],
			yAxis: [left.yAxis, right.yAxis],
			series: [left.series, right.series],
		},
		{ width: 880, height: 34 + 10 + 32 * Math.max(speed.length, delay.length) },
	);
}

/** Time, memory and pauses by the number of items. */
export function growthChart(measures: readonly Measure[]): string {
	const points = (kind: string): Array<[number, number]> =>
		measures.flatMap(({ id, figure }) => {
			const [group, items = '', name] = id.split('.');
			return group === 'growth' && name === kind ? [[Number(items), figure.median]] : [];
		});
	const panels = [
		{ kind: 'time', title: 'Time per item, µs', colour: ours },
		{ kind: 'memory', title: 'Memory beyond the results, MB', colour: second },
		{ kind: 'pause', title: 'Longest event loop pause, ms', colour: faint },
	];
	const lengths = (value: number) => (value >= 1_000 ? `${value / 1_000}k` : String(value));
	return draw(
		{
			title: panels.map(({ title }, index) => heading(title, String(index * 295))),
			grid: panels.map((_, index) => ({
				left: 40 + index * 295,
				width: 235,
				top: 44,
				bottom: 44,
			})),
			xAxis: panels.map((_, gridIndex) => ({
				gridIndex,
				type: 'log' as const,
				min: 100,
				name: 'items',
				nameLocation: 'middle' as const,
				nameGap: 28,
				nameTextStyle: { color: faint },
				axisLine: { lineStyle: { color: line } },
				splitLine: { show: false },
				axisLabel: { color: faint, formatter: lengths },
			})),
			yAxis: panels.map((_, gridIndex) => ({
				gridIndex,
				type: 'value' as const,
				min: 0,
				splitNumber: 4,
				axisLabel: { color: faint },
				splitLine: { lineStyle: { color: line } },
			})),
			series: panels.map(({ kind, colour }, index) => ({
				type: 'line' as const,
				xAxisIndex: index,
				yAxisIndex: index,
				data: points(kind),
				symbol: 'circle',
				symbolSize: 7,
				lineStyle: { color: colour, width: 2 },
				itemStyle: { color: colour },
			})),
		},
		{ width: 880, height: 240 },
	);
}

/** What two batches that share a plan have in flight over the time, adapting and with a fixed width. */
export function adaptingChart(adapting: readonly Curve[], fixed: readonly Curve[]): string {
	const panels = [
		{ title: 'With Adapt Concurrency', curves: adapting },
		{ title: 'With the best fixed width', curves: fixed },
	];
	const colours = [ours, second, others];
	return draw(
		{
			title: panels.map(({ title }, index) => heading(title, String(index * 445))),
			legend: {
				bottom: 0,
				icon: 'roundRect',
				itemHeight: 4,
				itemGap: 60,
				data: adapting.map(({ name }) => name),
				textStyle: { color: text },
			},
			grid: panels.map((_, index) => ({
				left: 40 + index * 445,
				width: 380,
				top: 44,
				bottom: 74,
			})),
			xAxis: panels.map((_, gridIndex) => ({
				gridIndex,
				type: 'value' as const,
				min: 0,
				name: 'seconds',
				nameLocation: 'middle' as const,
				nameGap: 28,
				nameTextStyle: { color: faint },
				axisLine: { lineStyle: { color: line } },
				splitLine: { show: false },
				axisLabel: { color: faint },
			})),
			yAxis: panels.map((_, gridIndex) => ({
				gridIndex,
				type: 'value' as const,
				min: 0,
				minInterval: 1,
				splitNumber: 4,
				axisLabel: { color: faint },
				splitLine: { lineStyle: { color: line } },
			})),
			series: panels.flatMap(({ curves }, index) =>
				curves.map(({ name, points }, place) => ({
					type: 'line' as const,
					name,
					xAxisIndex: index,
					yAxisIndex: index,
					data: points.map(([at, value]) => [at, value]),
					step: 'end' as const,
					showSymbol: false,
					lineStyle: { color: colours[place] ?? faint, width: 1.5 },
					itemStyle: { color: colours[place] ?? faint },
				})),
			),
		},
		{ width: 880, height: 300 },
	);
}
