import { N8N_NODES_API_VERSION, NodeOperationError, type IExecuteFunctions } from 'n8n-workflow';
import { parseHttpUrl } from '../../client/util/url';
import { nodeOf } from '../parameters/nodeOf';
import { CREDENTIAL_NAME } from '../run/connection';

/**
 * The URL that resumes this execution when it waits.
 *
 * @throws NodeOperationError if a callback of the service cannot resume it, with what to do
 */
export async function findResumeUrl(context: IExecuteFunctions): Promise<string> {
	const instead = 'set Wait to For the Result.';
	const refusal = (problem: string, description: string) =>
		new NodeOperationError(nodeOf(context), `Wait "For the Callback" ${problem}`, { description });
	if (N8N_NODES_API_VERSION === undefined) {
		throw refusal('needs n8n 2.39 or newer', `Update n8n, or ${instead}`);
	}
	if (context.isToolExecution() || context.getNode().type.endsWith('Tool')) {
		throw refusal('cannot be used in a tool of an AI agent', `In a tool, ${instead}`);
	}
	const said: unknown = context.evaluateExpression('{{ $execution.resumeUrl }}', 0);
	const url = typeof said === 'string' ? parseHttpUrl(said) : undefined;
	if (context.getWorkflow().id === undefined || !url) {
		throw refusal('works in saved workflows only', 'Save the workflow and run it again.');
	}
	if (isLoopback(url) && !(await isServiceHere(context))) {
		throw refusal(
			`cannot work: the service cannot call this n8n at ${url.origin}`,
			`Set WEBHOOK_URL of n8n, and of its workers, to an address that the service reaches, or ${instead}`,
		);
	}
	url.pathname += `/${encodeURIComponent(nodeOf(context).id)}`;
	return url.href;
}

/** Whether the service runs on this machine, as in tests: then it can call n8n here. */
async function isServiceHere(context: IExecuteFunctions): Promise<boolean> {
	const { baseUrl } = await context.getCredentials(CREDENTIAL_NAME);
	const service = typeof baseUrl === 'string' ? parseHttpUrl(baseUrl) : undefined;
	return service !== undefined && isLoopback(service);
}

function isLoopback(url: URL): boolean {
	return /^(localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/i.test(url.hostname);
}
