import { N8N_NODES_API_VERSION, NodeOperationError, type IExecuteFunctions } from 'n8n-workflow';
import { parseHttpUrl } from '../../client/util/url';
import { nodeOf } from '../parameters/nodeOf';

const INSTEAD = 'set "Wait" to "For the Result".';

/**
 * The URL that resumes this execution when it waits.
 *
 * @throws NodeOperationError if a callback cannot resume it, with what to do
 */
export function findResumeUrl(context: IExecuteFunctions): URL {
	if (N8N_NODES_API_VERSION === undefined) {
		throw refusal(context, 'needs n8n 2.39 or newer', `Update n8n, or ${INSTEAD}`);
	}
	if (context.isToolExecution() || context.getNode().type.endsWith('Tool')) {
		throw refusal(context, 'cannot be used in a tool of an AI agent', `In a tool, ${INSTEAD}`);
	}
	const said: unknown = context.evaluateExpression('{{ $execution.resumeUrl }}', 0);
	const url = typeof said === 'string' ? parseHttpUrl(said) : undefined;
	if (context.getWorkflow().id === undefined || !url) {
		throw refusal(context, 'works in saved workflows only', 'Save the workflow and run it again.');
	}
	url.pathname += `/${encodeURIComponent(nodeOf(context).id)}`;
	return url;
}

/**
 * Checks that the service can call a URL of this n8n. Where it runs on the same machine, as in tests,
 * it can call n8n here.
 *
 * @param baseUrl where the service is
 * @throws NodeOperationError that says what to set
 */
export function checkReach(context: IExecuteFunctions, url: URL, baseUrl: string): void {
	if (!isLoopback(url) || isLoopback(new URL(baseUrl))) return;
	throw refusal(
		context,
		`cannot work: the service cannot call this n8n at ${url.origin}`,
		`Set WEBHOOK_URL of n8n, and of its workers, to an address that the service reaches, or ${INSTEAD}`,
	);
}

function refusal(
	context: IExecuteFunctions,
	problem: string,
	description: string,
): NodeOperationError {
	const message = `"Wait" set to "For the Callback" ${problem}`;
	return new NodeOperationError(nodeOf(context), message, { description });
}

function isLoopback(url: URL): boolean {
	return /^(localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/i.test(url.hostname);
}
