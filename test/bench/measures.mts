/** What the benchmark reports. */
import type { LoadedSdk } from '../contract/sdk.mts';
import type { BatchNode } from './batchNode.mts';
import type { Service } from './serviceProcess.mts';
import type { Figure } from './statistics.mts';

/** A number with its name, and what it should be. */
export interface Measure {
	/** Stays the same when the words change; charts and comparisons of runs use it. */
	readonly id: string;
	readonly what: string;
	readonly unit: '' | 'ms' | 'tasks/s' | 'µs' | 'MB' | 'kB' | '×';
	readonly figure: Figure;
	/** Of `docs`: what was set out to be reached. */
	readonly target?: { readonly least: number } | { readonly most: number };
	/** What one has to know to read the number. */
	readonly note?: string;
	/** How something has gone over the time, for a chart. */
	readonly curves?: readonly Curve[];
}

/** Something that changes over the time. */
export interface Curve {
	readonly name: string;
	/** `[seconds, value]` */
	readonly points: ReadonlyArray<readonly [number, number]>;
}

/** What all measurements work with. */
export interface Bench {
	readonly service: Service;
	readonly batch: BatchNode;
	readonly sdk: LoadedSdk;
	/** Folder of the compiled package. */
	readonly dist: string;
	/** Fewer rounds and items: under a minute for everything. */
	readonly quick: boolean;
}

/** Whether a measure is what it should be; undefined if nothing was set out. */
export function isMet({ target, figure }: Measure): boolean | undefined {
	if (!target) return undefined;
	return 'least' in target ? figure.median >= target.least : figure.median <= target.most;
}
