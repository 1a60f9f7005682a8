import {
	NodeOperationError,
	type IExecuteFunctions,
	type ILoadOptionsFunctions,
	type IWebhookFunctions,
} from 'n8n-workflow';
import type { CancelSignal } from '../../client/util/cancelSignal';
import { InferenceClient } from '../../client/client';
import { HelperTransport } from '../../client/transport/helperTransport';
import type { RunSettings } from '../../client/settings';
import type { Transport } from '../../client/transport/transport';
import { parseHttpUrl } from '../../client/util/url';
import { loadHostUndici, UndiciTransport } from '../../client/transport/undiciTransport';

export const CREDENTIAL_NAME = 'inferenceShApi';

type Host = IExecuteFunctions | ILoadOptionsFunctions | IWebhookFunctions;

/** undici where the host has it, else n8n's HTTP helper; both under n8n's egress policy. */
async function chooseTransport(host: Host): Promise<Transport> {
	const undici = await loadHostUndici();
	if (!undici) {
		return new HelperTransport(async (request) => await host.helpers.httpRequest(request));
	}
	const { getSecureEgressFilter }: Partial<Host['helpers']> = host.helpers;
	return new UndiciTransport(undici, getSecureEgressFilter?.());
}

function credentialError(host: Host, problem: string): NodeOperationError {
	return new NodeOperationError(host.getNode(), `The Inference.sh credential ${problem}`, {
		description: 'Open the credential, correct it and test it there.',
	});
}

/**
 * Opens a client for a node run or for a list in the editor, and closes it when `job` is over.
 *
 * @throws NodeOperationError if the credential cannot be used; what `job` throws
 */
export async function withClient<T>(
	host: Host,
	settings: RunSettings,
	signal: CancelSignal,
	job: (client: InferenceClient) => Promise<T>,
): Promise<T> {
	await using client = await openClient(host, settings, signal);
	return await job(client);
}

async function openClient(
	host: Host,
	settings: RunSettings,
	signal: CancelSignal,
): Promise<InferenceClient> {
	const { apiKey, baseUrl, maxConcurrency } = await host.getCredentials(CREDENTIAL_NAME);
	if (typeof apiKey !== 'string' || apiKey.trim() === '') {
		throw credentialError(host, 'has no API key');
	}
	const base = typeof baseUrl === 'string' ? parseHttpUrl(baseUrl.trim()) : undefined;
	if (!base || base.username !== '' || base.search !== '' || base.hash !== '') {
		throw credentialError(host, `has a base URL that cannot be used: ${JSON.stringify(baseUrl)}`);
	}
	const limit = Number(maxConcurrency ?? 0);
	if (!Number.isInteger(limit) || limit < 0) {
		throw credentialError(
			host,
			`has a Max Concurrency that is not a whole number, 0 or higher: ${JSON.stringify(maxConcurrency)}`,
		);
	}
	return new InferenceClient({
		transport: await chooseTransport(host),
		credential: { apiKey: apiKey.trim(), baseUrl: base.href.replace(/\/+$/, '') },
		maxConcurrency: limit,
		settings,
		signal,
		log: { debug: (message) => host.logger.debug(`inference.sh: ${message}`) },
	});
}
