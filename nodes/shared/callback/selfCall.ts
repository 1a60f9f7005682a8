import type { IExecuteFunctions } from 'n8n-workflow';
import { systemClock } from '../../client/util/clock';
import { outcomeOf } from '../../client/util/outcome';

/** When n8n calls itself, ms after the execution was handed over; then twice as late each time. */
const FIRST_CALL_MS = 1_000;
const LAST_CALL_MS = 16_000;

/**
 * Lets n8n call itself at the URL that resumes an execution, once, as soon as it is ready to take
 * such calls. A callback that arrives before n8n has saved the execution as waiting is refused, and
 * whether the service repeats it is not known. Never rejects.
 */
export async function callOnceWaiting(context: IExecuteFunctions, url: string): Promise<void> {
	const { httpRequest } = context.helpers;
	const call = {
		method: 'POST',
		url,
		body: {},
		json: true,
		timeout: 10_000,
		ignoreHttpStatusErrors: true,
	} as const;
	for (let ms = FIRST_CALL_MS; ms <= LAST_CALL_MS; ms *= 2) {
		await systemClock.delay(ms);
		const answer = await outcomeOf<unknown>(httpRequest(call));
		// Anything else, and it waits or has ended.
		if (!answer.ok || !/running already/.test(JSON.stringify(answer.value))) return;
	}
}
