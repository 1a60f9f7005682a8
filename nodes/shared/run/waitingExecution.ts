import type {
	IExecuteFunctions,
	INodeExecutionData,
	IWebhookFunctions,
	NodeApiError,
	NodeOperationError,
} from 'n8n-workflow';
import { isJsonObject } from '../../client/util/json';

/*
 * An execution that waits lies in n8n's database until it is resumed. What n8n does with it then
 * goes by fields that are not all part of its interface; this is the only place that touches them.
 */

/**
 * Puts the execution to wait after this run of the node. When the wait is over without a webhook
 * call, n8n goes on with what the node has as its input, so the outputs are put there; all of them
 * are handed on from n8n 2.39, the first one only before that.
 *
 * @param outputs what the node puts out when the wait is over
 * @returns what the node has to return now
 */
export async function putToWait(
	context: IExecuteFunctions,
	outputs: INodeExecutionData[][],
	until: Date,
): Promise<INodeExecutionData[][]> {
	context.getExecuteData().data['main'] = outputs;
	context.setMetadata({ forwardAllOutputs: true });
	await context.putExecutionToWait(until);
	return outputs.map(() => []);
}

/**
 * Lets the node of a waiting execution fail when its webhook call resumes it. Where n8n does not
 * know that, it changes nothing: then the failure is in the outputs only.
 */
export function failWhenResumed(
	context: IWebhookFunctions,
	error: NodeApiError | NodeOperationError,
): void {
	// What n8n is going to run next; it is no part of the interface.
	const next: unknown = Reflect.get(context, 'executeData');
	if (!isJsonObject(next)) return;
	const metadata = isJsonObject(next['metadata']) ? next['metadata'] : {};
	Reflect.set(next, 'metadata', { ...metadata, resumeError: error });
}

/**
 * Keeps something of a node with the execution, as plain data.
 *
 * @param key letters and digits
 */
export function keepWithExecution(context: IExecuteFunctions, key: string, value: object): void {
	context.getContext('node')[key] = value;
}

/**
 * Credentials as a webhook call of this execution is going to have them: it is made when there are no
 * items any more, so that expressions which need some fail.
 *
 * @returns undefined if this n8n does not tell
 * @throws n8n's error if they cannot be evaluated then
 */
export async function credentialsOfWebhook(
	context: IExecuteFunctions,
	type: string,
): Promise<unknown> {
	for (const name of ['_getRunlessCredentials', '_getCredentials']) {
		const method: unknown = Reflect.get(context, name);
		if (typeof method === 'function') return await Reflect.apply(method, context, [type]);
	}
	return undefined;
}

/** What `keepWithExecution` has kept, in a webhook call of the same node; undefined for nothing. */
export function keptWithExecution(context: IWebhookFunctions, key: string): unknown {
	// Webhook calls have no other way to it than an expression, which braces would end.
	const name = JSON.stringify(context.getNode().name)
		.replaceAll('{', '\\x7b')
		.replaceAll('}', '\\x7d');
	return context.evaluateExpression(`{{ $node[${name}].context.${key} }}`, 0);
}
