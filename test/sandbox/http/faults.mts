/** The queue of things that shall go wrong. */
import type { Call } from './routes.mts';
import type { Fault, FaultEffect, StreamFaultOptions } from '../types.mts';

interface Armed {
	readonly fault: Fault;
	readonly pattern: RegExp;
	skip: number;
	left: number;
}

/** What the faults make of one request. */
export interface Trouble {
	delayBeforeMs: number;
	delayAfterMs: number;
	effect: Exclude<FaultEffect, { kind: 'delay' | 'stream' }> | undefined;
	stream: StreamFaultOptions | undefined;
}

/** Turns `GET /tasks/:id/stream` into a test for `GET /tasks/abc/stream`. */
export function routePattern(on: string): RegExp {
	const source = on
		.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
		.replaceAll('*', '.*')
		.replace(/:[A-Za-z]\w*/g, '[^/]+');
	return new RegExp(`^${source}$`);
}

export class Faults {
	private armed: Armed[] = [];

	add(fault: Fault): void {
		this.armed.push({
			fault,
			pattern: routePattern(fault.on),
			skip: fault.skip ?? 0,
			left: fault.times ?? 1,
		});
	}

	clear(): void {
		this.armed = [];
	}

	/**
	 * Takes the faults that hit this request out of the queue: every delay, and the first of the
	 * others. Returns undefined in the usual case that there is none.
	 */
	take({ method, path, headers }: Pick<Call, 'method' | 'path' | 'headers'>): Trouble | undefined {
		if (this.armed.length === 0) return undefined;
		const name = `${method} ${path}`;
		let trouble: Trouble | undefined;
		for (const entry of this.armed) {
			if (!entry.pattern.test(name)) continue;
			const { key } = entry.fault;
			if (key !== undefined && headers['authorization'] !== `Bearer ${key}`) continue;
			if (entry.skip > 0) {
				entry.skip--;
				continue;
			}
			const { fault } = entry;
			if (fault.kind !== 'delay' && (trouble?.effect ?? trouble?.stream)) continue;
			trouble ??= { delayBeforeMs: 0, delayAfterMs: 0, effect: undefined, stream: undefined };
			if (fault.kind === 'delay') {
				if (fault.when === 'before') trouble.delayBeforeMs += fault.ms;
				else trouble.delayAfterMs += fault.ms;
			} else if (fault.kind === 'stream') {
				trouble.stream = fault;
			} else {
				trouble.effect = fault;
			}
			entry.left--;
		}
		if (trouble) this.armed = this.armed.filter((entry) => entry.left > 0);
		return trouble;
	}
}
