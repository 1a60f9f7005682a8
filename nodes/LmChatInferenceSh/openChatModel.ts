import type { ISupplyDataFunctions } from 'n8n-workflow';
import { StoppedError } from '../client/errors';
import { Deadline } from '../client/util/deadline';
import { Connection } from '../shared/run/connection';
import { credentialOf } from '../shared/run/credential';
import { InferenceChatModel } from './chatModel';
import type { HostSdk } from './hostSdk';
import { readModelSettings } from './modelSettings';

/** A chat model that can be asked. */
export interface OpenedModel {
	readonly model: InferenceChatModel;
	/** Ends what is still under way. n8n calls it when the node that uses the model has ended. */
	close(): Promise<void>;
}

/**
 * Opens the chosen app as a chat model, under the credential of an item.
 *
 * @throws NodeOperationError for a parameter, or for a credential that cannot be used
 */
export async function openChatModel(
	context: ISupplyDataFunctions,
	itemIndex: number,
	sdk: Pick<HostSdk, 'getParametersJsonSchema'>,
): Promise<OpenedModel> {
	const settings = readModelSettings(context, itemIndex);
	const credential = await credentialOf(context, itemIndex);
	const scope = new Deadline(context.getExecutionCancelSignal());
	const { signal } = scope;
	const client = Connection.open(context, settings.run, signal).client(credential);
	const schemaOf = sdk.getParametersJsonSchema;
	return {
		model: new InferenceChatModel({ context, client, signal, settings, schemaOf }),
		close: async () => {
			scope.abort(new StoppedError('was stopped because the node that uses the model has ended'));
			await client[Symbol.asyncDispose]();
			scope[Symbol.dispose]();
		},
	};
}
