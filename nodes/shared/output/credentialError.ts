import { NodeOperationError, type INode } from 'n8n-workflow';

const HELP = 'Open the credential, correct it and test it there.';
const HELP_FOR_ITEM = `${HELP} If expressions in it take values from the items, look at what this item has.`;

/** A credential cannot be used. Nothing has been sent with it. */
export class CredentialError extends NodeOperationError {
	/**
	 * @param problem continues "The Inference.sh credential …"
	 * @param itemIndex the item whose credential it is
	 * @param help what to do, if it is something else than to correct the credential
	 */
	constructor(node: INode, problem: string, itemIndex?: number, help?: string) {
		const ofItem = itemIndex === undefined ? '' : ` [item ${itemIndex}]`;
		super(node, `The Inference.sh credential ${problem}${ofItem}`, {
			...(itemIndex === undefined ? {} : { itemIndex }),
			description: help ?? (itemIndex === undefined ? HELP : HELP_FOR_ITEM),
		});
		// n8n goes by names of its own.
		this.name = 'NodeOperationError';
	}
}
