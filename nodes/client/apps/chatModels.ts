import type { ClientContext } from '../api/context';
import { readService } from '../api/readService';
import { isJsonObject, listOf, textOf } from '../util/json';

/**
 * References of all apps that speak the platform's contract of language models and that the key may
 * use (API notes 7.6).
 *
 * @throws InferenceError if the list cannot be read; NotFoundError if the server does not have it
 */
export async function listChatModels(context: ClientContext): Promise<readonly string[]> {
	return await readService({ method: 'GET', path: '/models/openai/models' }, refsFrom, context);
}

/** It is OpenAI's list, not the service's own: `{object, data}`, which may look like an envelope. */
function refsFrom(value: unknown): readonly string[] | undefined {
	const isList = isJsonObject(value) && 'data' in value;
	if (!isList && !Array.isArray(value) && value !== null) return undefined;
	return listOf(isList ? value['data'] : value)
		.map((row) => (isJsonObject(row) ? textOf(row['id']) : undefined))
		.filter((id) => id !== undefined);
}
