import type { INodeExecutionData } from 'n8n-workflow';
import type { SettledItem } from '../shared/callback/waitState';
import { durationOf } from '../shared/output/items';
import type { BatchSettings } from './settings';

/** The items of Succeeded and Failed, in the order that is wanted. */
export class Results {
	/** In the order of the input these lists have gaps. */
	private readonly succeeded: INodeExecutionData[] = [];
	private readonly failed: INodeExecutionData[] = [];

	constructor(private readonly order: BatchSettings['order']) {}

	success(position: number, item: INodeExecutionData): void {
		this.keep(this.succeeded, position, item);
	}

	failure(position: number, item: INodeExecutionData): void {
		this.keep(this.failed, position, item);
	}

	/** Succeeded and Failed. */
	outputs(): [INodeExecutionData[], INodeExecutionData[]] {
		return [dense(this.succeeded), dense(this.failed)];
	}

	/** How long each success took, ms. */
	durations(): readonly number[] {
		return dense(this.succeeded).map(durationOf);
	}

	/** The failures, for a wait that goes on without this run. */
	settled(): readonly SettledItem[] {
		return this.failed.flatMap((item, position) => [{ ok: false, position, item }]);
	}

	private keep(output: INodeExecutionData[], position: number, item: INodeExecutionData): void {
		if (this.order === 'input') output[position] = item;
		else output.push(item);
	}
}

/** The items of a list whose places are not all taken. */
function dense(list: readonly INodeExecutionData[]): INodeExecutionData[] {
	return list.filter(() => true);
}
