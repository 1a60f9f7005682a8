import { NodeOperationError, type INode } from 'n8n-workflow';

const HELP = 'Open the credential, correct it and test it there.';

/** A credential cannot be used. Nothing has been sent with it. */
export class CredentialError extends NodeOperationError {
	/**
	 * @param problem continues "The Inference.sh credential …"
	 * @param itemIndex the item whose credential it is
	 */
	constructor(node: INode, problem: string, itemIndex?: number) {
		const ofItem = itemIndex === undefined ? '' : ` [item ${itemIndex}]`;
		super(node, `The Inference.sh credential ${problem}${ofItem}`, {
			...(itemIndex === undefined ? {} : { itemIndex }),
			description:
				itemIndex === undefined
					? HELP
					: `${HELP} If expressions in it take values from the items, look at what this item has.`,
		});
		// n8n goes by names of its own.
		this.name = 'NodeOperationError';
	}
}
