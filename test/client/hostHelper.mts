/** n8n's own `helpers.httpRequest`, as the engine builds it for a node. */
import { createRequire } from 'node:module';
import type { IHttpRequestOptions } from 'n8n-workflow';
import '../engine/engine.mts';

/** The part of n8n's network package that `helpers.httpRequest` is made of. */
interface OutboundHttp {
	requests(): { request(options: IHttpRequestOptions): Promise<unknown> };
}

// `require`: the packages' ESM entry points are not published.
const require = createRequire(createRequire(import.meta.url).resolve('n8n-core'));
const { Container } = require('@n8n/di') as {
	Container: { get(service: unknown): OutboundHttp };
};
const network = require('@n8n/backend-network') as { OutboundHttp: unknown };

export async function hostHttpRequest(request: IHttpRequestOptions): Promise<unknown> {
	return await Container.get(network.OutboundHttp).requests().request(request);
}
