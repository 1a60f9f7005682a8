import type { ApiCall } from './api';
import type { ClientContext } from './context';
import { retrying } from './retry';

/**
 * Reads something from the service: a request that changes nothing there, repeated as the settings
 * allow, until the context's signal aborts.
 *
 * @param decode undefined for an answer that is not what the API promises
 * @throws InferenceError of the last attempt; the abort reason
 */
export async function readService<T>(
	call: Omit<ApiCall, 'signal'>,
	decode: (value: unknown) => T | undefined,
	context: Pick<ClientContext, 'api'> & Parameters<typeof retrying>[1],
): Promise<T> {
	const { api, signal } = context;
	const whole = { ...call, signal };
	return await retrying(async () => {
		const reply = await api.send(whole);
		const value = decode(reply.value);
		if (value === undefined) throw api.unexpected(whole, reply);
		return value;
	}, context);
}
