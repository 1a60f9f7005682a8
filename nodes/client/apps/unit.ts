import { textOf, type JsonObject } from '../util/json';

/** Units as names of fields end in them, and as people write them. */
const UNITS: Readonly<Record<string, string>> = {
	ms: 'ms',
	millis: 'ms',
	milliseconds: 'ms',
	s: 'seconds',
	sec: 'seconds',
	secs: 'seconds',
	seconds: 'seconds',
	minutes: 'minutes',
	hours: 'hours',
	days: 'days',
	px: 'px',
	pixels: 'px',
	kb: 'KB',
	mb: 'MB',
	gb: 'GB',
	hz: 'Hz',
	hertz: 'Hz',
	khz: 'kHz',
	db: 'dB',
	fps: 'fps',
	bpm: 'bpm',
	kbps: 'kbps',
	degrees: 'degrees',
	percent: '%',
	pct: '%',
	usd: 'USD',
};

/** Units that a description names: "Length of the video in seconds". */
const DESCRIBED =
	/\bin (milliseconds|seconds|minutes|hours|days|pixels|hz|hertz|khz|db|degrees|percent|usd)\b/i;

/** Units that also say what is counted: without it "Target FPS" would be a target of what? */
const RATES: ReadonlySet<string> = new Set(['fps', 'bpm', 'kbps']);

const words = (text: string) => text.split(/[_\s-]+/).filter((word) => word !== '');

/**
 * What a number of a schema counts, and its title without that.
 *
 * @param property its schema; `unit` and `x-unit` in it tell the unit
 */
export function titleAndUnit(
	id: string,
	title: string,
	property: JsonObject,
): { readonly title: string; readonly unit: string | undefined } {
	const said = textOf(property['x-unit']) ?? textOf(property['unit']);
	const last = words(id).length > 1 ? words(id).at(-1)?.toLowerCase() : undefined;
	const named = last === undefined ? undefined : UNITS[last];
	const [, described] = DESCRIBED.exec(textOf(property['description']) ?? '') ?? [];
	const unit = said ?? named ?? UNITS[described?.toLowerCase() ?? ''];
	const titleWords = words(title);
	const endsInIt =
		last !== undefined && named !== undefined && titleWords.at(-1)?.toLowerCase() === last;
	const isName = named !== undefined && RATES.has(named);
	return {
		title: endsInIt && !isName && titleWords.length > 1 ? titleWords.slice(0, -1).join(' ') : title,
		unit,
	};
}
