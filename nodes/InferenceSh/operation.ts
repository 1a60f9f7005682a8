import type { IDataObject, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import type { Reach } from '../client/workspace/workspaceApi';
import type { ItemParameters } from '../shared/parameters/itemParameters';
import type { ItemRun } from '../shared/run/itemRun';

/** An output item without the input item that it belongs to. */
export type OutputItem = Pick<INodeExecutionData, 'json' | 'binary'>;

/** An item's run as an operation sees it. */
export interface OperationRun extends ItemRun {
	/** What it can ask of the service, within the item's time. */
	readonly reach: Reach;
}

interface Described {
	/** As the panel calls it in the list of operations. */
	readonly name: string;
	readonly value: string;
	/** As n8n's list of actions calls it: with what it is done to, without articles. */
	readonly action: string;
	/** For people, and with the name of the service for models. */
	readonly description: string;
	readonly properties: readonly INodeProperties[];
	/** What it has among the Options. */
	readonly options?: readonly INodeProperties[];
}

/** Something that can be done to a resource: what its panel has, and what it does for one item. */
export type Operation = Described &
	(
		| {
				readonly kind: 'request';
				/**
				 * @throws NodeOperationError for a parameter; InferenceError
				 */
				execute(run: OperationRun, item: ItemParameters): Promise<readonly OutputItem[]>;
		  }
		| {
				/** It starts something that has a time and a place of its own. */
				readonly kind: 'run';
				execute(run: ItemRun, item: ItemParameters): Promise<readonly OutputItem[]>;
		  }
	);

/** What operations are about. */
export interface Resource {
	readonly name: string;
	readonly value: string;
	/** In the order of their names. */
	readonly operations: readonly Operation[];
}

/** A single output item. */
export function oneItem(json: IDataObject): readonly OutputItem[] {
	return [{ json }];
}
