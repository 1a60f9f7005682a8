/** What there is to do, and how whoever does it reports back. */
import type { IDataObject } from 'n8n-workflow';
import type { Service } from './serviceProcess.mts';

/** Tasks for one app, `width` of them in flight at once. */
export interface Work {
	/** `namespace/name` */
	readonly app: string;
	readonly inputs: readonly IDataObject[];
	readonly width: number;
}

/** A task whose end is known: what it gave, and when that was known (`machineTime`). */
export interface Known {
	readonly output: unknown;
	readonly at: number;
}

/** One way to get work done. */
export interface Way {
	readonly name: string;
	/** @returns the tasks in the order in which their ends became known */
	run(work: Work): Promise<Known[]>;
}

/** What one round of one way took. */
export interface Round {
	readonly ms: number;
	/** CPU time of this process, ms. */
	readonly cpuMs: number;
	readonly known: readonly Known[];
}

/** Lets one way do the work, on a service that remembers nothing. */
export async function measure(way: Way, work: Work, service: Service): Promise<Round> {
	await service.reset();
	const cpu = process.cpuUsage();
	const started = performance.now();
	const known = await way.run(work);
	const ms = performance.now() - started;
	const { user, system } = process.cpuUsage(cpu);
	if (known.length !== work.inputs.length) {
		throw new Error(`${way.name}: ${known.length} of ${work.inputs.length} tasks came to an end`);
	}
	return { ms, cpuMs: (user + system) / 1000, known };
}

/** Does jobs through a window that slides, without anything else. */
export async function slide<T>(
	inputs: readonly T[],
	width: number,
	job: (input: T) => Promise<void>,
): Promise<void> {
	const left = inputs.values();
	const worker = async () => {
		for (const input of left) await job(input);
	};
	await Promise.all(Array.from({ length: width }, worker));
}

/** Inputs that are all different, as those of a real batch are. */
export function texts(count: number): IDataObject[] {
	return Array.from({ length: count }, (_, index) => ({ text: `item ${index}` }));
}
