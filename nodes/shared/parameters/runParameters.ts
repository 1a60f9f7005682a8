import type { NodeParameterValueType } from 'n8n-workflow';
import { displayNameOf } from './displayNames';
import { nodeOf, type ParameterContext } from './nodeOf';
import { Parameter, type ParameterOwner } from './parameter';
import { readParameter } from './readParameter';

/**
 * The settings of a whole run. An expression in them is evaluated for the first item; what is wrong
 * with a value is the fault of no item.
 */
export class RunParameters {
	private readonly owner: ParameterOwner;

	constructor(private readonly context: ParameterContext) {
		this.owner = { node: nodeOf(context), itemIndex: undefined };
	}

	/**
	 * @param fallback what it is if the node does not have it
	 * @throws NodeOperationError if its expression fails for the first item
	 */
	get(name: string, fallback: NodeParameterValueType): Parameter {
		const { context } = this;
		const value = readParameter(context, { name, itemIndex: 0, fallback });
		return new Parameter(this.owner, () => displayNameOf(context, name), value);
	}

	/**
	 * One of the Options, read by itself: an expression in another one, which concerns the items, may
	 * fail for the first item, and then only that item does.
	 *
	 * @param fallback what it is if it is not there, or null
	 * @throws NodeOperationError if its expression fails for the first item
	 */
	option(name: string, fallback: NodeParameterValueType): Parameter {
		const option = this.get(`options.${name}`, fallback);
		return new Parameter(this.owner, () => option.displayName, option.value ?? fallback);
	}
}
