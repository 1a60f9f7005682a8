import { NodeApiError, NodeOperationError, type ILoadOptionsFunctions } from 'n8n-workflow';
import type { InferenceClient } from '../../client/client';
import { Deadline } from '../../client/util/deadline';
import { InferenceError, TimeoutError } from '../../client/errors';
import { parseAppRef, withVersion, type AppRef } from '../../client/apps/appRef';
import { textOf } from '../../client/util/json';
import { outcomeOf } from '../../client/util/outcome';
import { withClient } from '../run/connection';
import { pickedValue } from '../parameters/readParameter';
import { READ_SETTINGS } from '../parameters/runSettings';

/** A list in the editor is worth a few seconds, not minutes. */
const LIST_TIMEOUT_MS = 20_000;

/**
 * Asks the service something for the editor.
 *
 * @throws InferenceError; NodeOperationError if the credential cannot be used
 */
export async function askService<T>(
	context: ILoadOptionsFunctions,
	job: (client: InferenceClient) => Promise<T>,
): Promise<T> {
	using scope = new Deadline(
		undefined,
		LIST_TIMEOUT_MS,
		() => new TimeoutError(`the service did not answer within ${LIST_TIMEOUT_MS / 1000} s`),
	);
	return await withClient(context, READ_SETTINGS, scope.signal, job);
}

/**
 * Fills a list of a picker.
 *
 * @param what the entries are, as the error calls them
 * @throws NodeApiError that says why nothing can be listed
 */
export async function fillList<T>(
	context: ILoadOptionsFunctions,
	what: string,
	job: (client: InferenceClient) => Promise<T>,
): Promise<T> {
	const list = await outcomeOf(askService(context, job));
	if (list.ok) return list.value;
	const { error } = list;
	if (!(error instanceof InferenceError)) throw error;
	throw new NodeApiError(
		context.getNode(),
		{ message: error.message },
		{
			message: `The ${what} cannot be listed: ${error.message}`,
			description: adviceOn(error, 'You can still enter it by hand'),
			httpCode: String(error.httpStatus ?? ''),
		},
	);
}

/**
 * What to do about a question that the service has not answered as it should.
 *
 * @param otherwise how to go on without the answer, where that makes sense: what is wrong with the
 * key, the address or the app would be so then, too
 */
export function adviceOn(error: unknown, otherwise: string): string {
	if (!(error instanceof InferenceError)) {
		const described = error instanceof NodeOperationError ? error.description : undefined;
		return described ?? `${otherwise}.`;
	}
	const { hint, retryable, code } = error;
	if (retryable) return [hint, `${otherwise}, or try again later.`].filter(Boolean).join(' ');
	return code === 'permission' || hint === undefined
		? [hint, `${otherwise}.`].filter(Boolean).join(' ')
		: hint;
}

/** A parameter as the editor shows it now; undefined if it is empty. */
export function currentText(context: ILoadOptionsFunctions, name: string): string | undefined {
	const value = pickedValue(context.getCurrentNodeParameter(name));
	return typeof value === 'string' ? textOf(value.trim()) : undefined;
}

/** The app, version and function that the editor shows now; undefined if there is no app. */
export function chosenApp(context: ILoadOptionsFunctions): AppRef | undefined {
	const ref = parseAppRef(currentText(context, 'app') ?? '');
	return (
		ref && {
			app: withVersion(ref.app, currentText(context, 'options.version')),
			function: currentText(context, 'options.function') ?? ref.function,
		}
	);
}
