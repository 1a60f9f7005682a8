/** What the n8n that a test plays brings along: with undici, or without it, as some hosts are. */
import type * as UndiciTransportModule from '../../nodes/client/transport/undiciTransport.ts';

/** Without undici the nodes go over n8n's own HTTP helper. A test may change it. */
export const host = { undici: true };

/** For `vi.mock` of the transport's module: the module as it is, on that host. */
export async function ofHost(
	original: () => Promise<typeof UndiciTransportModule>,
): Promise<typeof UndiciTransportModule> {
	const module = await original();
	return {
		...module,
		loadHostNetwork: () => (host.undici ? module.loadHostNetwork() : undefined),
	};
}
