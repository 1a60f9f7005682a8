/** Inference.sh Batch as it is published, in the real n8n engine. */
import { createRequire } from 'node:module';
import path from 'node:path';
import type { IDataObject, IExecuteFunctions, INodeParameters, INodeType } from 'n8n-workflow';
import { NODE_NAME, runNode, type EngineRun } from '../engine/engine.mts';
import { machineTime } from './clock.mts';
import type { Address } from './serviceProcess.mts';
import type { Known, Way, Work } from './work.mts';

/** What a run of Batch may have besides its work. */
export interface BatchOptions {
	/** The Options collection. */
	readonly options?: INodeParameters;
	readonly parameters?: INodeParameters;
	/** Called with every line on the progress of the batch. */
	readonly onLogLine?: () => void;
	/** Called when n8n has prepared everything and the node begins. */
	readonly onStart?: () => void;
	readonly cancelAfter?: Promise<unknown>;
}

/** Runs Batch from a folder of compiled code. */
export class BatchNode {
	readonly #node: INodeType;
	readonly #address: Address;

	constructor(dist: string, address: Address) {
		// `require`, as n8n does it: the node shares its modules with the engine.
		const require = createRequire(import.meta.url);
		const file = path.join(dist, 'nodes/Batch/Batch.node.js');
		const { Batch } = require(file) as { Batch: new () => INodeType };
		this.#node = new Batch();
		this.#address = address;
	}

	async execute(work: Work, extra: BatchOptions = {}): Promise<EngineRun> {
		const { options = {}, parameters = {}, onLogLine, onStart, cancelAfter } = extra;
		return await runNode({
			node: this.#node,
			mode: 'trigger',
			credentials: {
				apiKey: this.#address.apiKey,
				baseUrl: this.#address.url,
				maxConcurrency: 0,
			},
			parameters: {
				app: { __rl: true, mode: 'ref', value: work.app },
				itemsFrom: 'input',
				inputMode: 'item',
				order: 'completion',
				concurrency: work.width,
				...parameters,
				options,
			},
			items: work.inputs as IDataObject[],
			adjustContext(context) {
				if (onLogLine) spyOnLog(context, onLogLine);
				onStart?.();
			},
			...(cancelAfter && { cancelAfter }),
		});
	}

	/** @param timed note when each end was known; the node then writes a log line for each */
	way(
		name: string,
		settings: { readonly timed: boolean; readonly options?: INodeParameters },
	): Way {
		const run = async (work: Work): Promise<Known[]> => {
			const times: number[] = [];
			const result = await this.execute(work, {
				options: { ...settings.options, ...(settings.timed && { progressEvery: 1 }) },
				...(settings.timed && { onLogLine: () => times.push(machineTime()) }),
			});
			if (result.error) throw result.error;
			const now = machineTime();
			return result
				.output(NODE_NAME, 0)
				.map(({ json }, index) => ({ output: json['output'], at: times[index] ?? now }));
		};
		return { name, run };
	}
}

function spyOnLog(context: IExecuteFunctions, onLine: () => void): void {
	const silent = () => {};
	// n8n's own getter must not run before: it fixes the property for good.
	Object.defineProperty(context, 'logger', {
		value: {
			info: (line: string) => {
				if (line.includes(' items done,')) onLine();
			},
			debug: silent,
			warn: silent,
			error: silent,
		},
	});
}
