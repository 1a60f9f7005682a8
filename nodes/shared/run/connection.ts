import type { ILoadOptionsFunctions, IPollFunctions, IWebhookFunctions } from 'n8n-workflow';
import type { RetryStatistics } from '../../client/api/retry';
import { InferenceClient } from '../../client/client';
import type { RunSettings } from '../../client/settings';
import { HelperTransport } from '../../client/transport/helperTransport';
import type { Transport } from '../../client/transport/transport';
import { loadHostNetwork, UndiciTransport } from '../../client/transport/undiciTransport';
import type { CancelSignal } from '../../client/util/cancelSignal';
import { credentialWithoutItems, type Host, type RunCredential } from './credential';

/** undici where the host has it, else n8n's HTTP helper; both under n8n's egress policy. */
function chooseTransport(host: Host): Transport {
	const network = loadHostNetwork();
	if (!network) {
		return new HelperTransport(async (request) => await host.helpers.httpRequest(request));
	}
	const { getSecureEgressFilter }: Partial<Host['helpers']> = host.helpers;
	return new UndiciTransport(network, getSecureEgressFilter?.());
}

/** What the clients of one run of a node have in common: all but the credential. */
export class Connection {
	/** Retries and rate limits of all clients so far. */
	readonly statistics: RetryStatistics = { retries: 0, rateLimited: 0 };

	private constructor(
		private readonly host: Host,
		private readonly transport: Transport,
		private readonly settings: RunSettings,
		private readonly signal: CancelSignal,
	) {}

	/** @param signal ends everything that the clients do */
	static open(host: Host, settings: RunSettings, signal: CancelSignal): Connection {
		return new Connection(host, chooseTransport(host), settings, signal);
	}

	/** A client of its own; whoever asks for it closes it. */
	client({ apiKey, baseUrl, maxConcurrency }: RunCredential): InferenceClient {
		const { host, transport, settings, signal, statistics } = this;
		return new InferenceClient({
			transport,
			credential: { apiKey, baseUrl },
			maxConcurrency,
			settings,
			signal,
			statistics,
			log: { debug: (message) => host.logger.debug(`inference.sh: ${message}`) },
		});
	}
}

/**
 * Opens a client outside of an execution, for a list in the editor, a poll or a callback, and closes it when
 * `job` is over.
 *
 * @throws CredentialError if the credential cannot be used; what `job` throws
 */
export async function withClient<T>(
	host: ILoadOptionsFunctions | IPollFunctions | IWebhookFunctions,
	settings: RunSettings,
	signal: CancelSignal,
	job: (client: InferenceClient) => Promise<T>,
): Promise<T> {
	const credential = await credentialWithoutItems(host);
	const connection = Connection.open(host, settings, signal);
	await using client = connection.client(credential);
	return await job(client);
}
