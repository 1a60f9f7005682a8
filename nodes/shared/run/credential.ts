import {
	type IExecuteFunctions,
	type ILoadOptionsFunctions,
	type IPollFunctions,
	type ISupplyDataFunctions,
	type IWebhookFunctions,
} from 'n8n-workflow';
import type { Credential } from '../../client/api/api';
import { messageOf } from '../../client/util/errorMessage';
import { isJsonObject, type JsonObject } from '../../client/util/json';
import { outcomeOf, type Outcome } from '../../client/util/outcome';
import { redact } from '../../client/util/redact';
import { parseHttpUrl } from '../../client/util/url';
import { CredentialError } from '../output/credentialError';
import { nodeOf } from '../parameters/nodeOf';
import { shown } from '../parameters/parameterError';
import { credentialsOfWebhook } from './waitingExecution';

export const CREDENTIAL_NAME = 'inferenceShApi';

const NEEDS_ITEMS =
	'takes its values from the incoming item, or from another node, and here there is none';
const HELP_WITHOUT_ITEMS =
	'Write references and values by hand, or choose a credential with a key of its own while you edit the workflow.';

/** What no HTTP header can carry (RFC 9110, 5.5). */
const NOT_IN_A_HEADER = /[^\t\x20-\x7e\x80-\xff]/;

/** Contexts in which nodes do something; outside of an execution there are no items. */
export type Host =
	| IExecuteFunctions
	| ISupplyDataFunctions
	| ILoadOptionsFunctions
	| IPollFunctions
	| IWebhookFunctions;

/** A checked credential: who pays, where, and how many items of it may be in flight. */
export interface RunCredential extends Credential {
	/** Over all nodes and executions of this process, 0 for no limit. */
	readonly maxConcurrency: number;
}

/**
 * The credential of an item. What is an expression in it n8n evaluates for this item; whether there
 * is one, n8n does not tell, so each item is asked for.
 *
 * @throws CredentialError with the item's index if it cannot be used
 */
export async function credentialOf(
	context: IExecuteFunctions | ISupplyDataFunctions,
	itemIndex: number,
): Promise<RunCredential> {
	const read = await outcomeOf(context.getCredentials(CREDENTIAL_NAME, itemIndex));
	if (!read.ok) throw new CredentialError(nodeOf(context), unreadable(read.error), itemIndex);
	const data: JsonObject = read.value;
	const last = latest.get(context);
	if (last && PARTS.every((part) => last.data[part] === data[part])) return last.credential;
	const credential = checked(context, data, itemIndex);
	latest.set(context, { data, credential });
	return credential;
}

/** What a credential is made of. */
const PARTS = ['apiKey', 'baseUrl', 'maxConcurrency'];
/** The credential of a run that was checked last; mostly the one of all its items. */
const latest = new WeakMap<
	object,
	{ readonly data: JsonObject; readonly credential: RunCredential }
>();

/**
 * The credential where there is no execution, so that expressions that need one fail.
 *
 * @throws CredentialError if it cannot be used
 */
export async function credentialWithoutItems(
	host: ILoadOptionsFunctions | IPollFunctions | IWebhookFunctions,
): Promise<RunCredential> {
	return withoutItems(host, await outcomeOf(host.getCredentials(CREDENTIAL_NAME)));
}

/**
 * The credential as a callback of the service is going to find it. If this n8n does not tell, it is
 * the one of an item that is not there.
 *
 * @throws CredentialError if it cannot be used then
 */
export async function credentialOfCallback(context: IExecuteFunctions): Promise<RunCredential> {
	const read = await outcomeOf(credentialsOfWebhook(context, CREDENTIAL_NAME));
	const isTold = !read.ok || isJsonObject(read.value);
	return isTold
		? withoutItems(context, read)
		: await credentialOf(context, context.getInputData().length);
}

/**
 * Checks a credential that was evaluated without items. Where an expression needed some, n8n's error
 * speaks of a node without a name, or there is no key at all, which otherwise is empty text.
 */
function withoutItems(host: Host, read: Outcome<unknown>): RunCredential {
	const data = read.ok && isJsonObject(read.value) ? read.value : {};
	const isExpression = read.ok
		? (data['apiKey'] ?? undefined) === undefined || (data['baseUrl'] ?? undefined) === undefined
		: read.error instanceof Error && read.error.name === 'ExpressionError';
	if (isExpression) {
		throw new CredentialError(nodeOf(host), NEEDS_ITEMS, undefined, HELP_WITHOUT_ITEMS);
	}
	if (read.ok) return checked(host, data);
	throw new CredentialError(nodeOf(host), unreadable(read.error));
}

function unreadable(error: unknown): string {
	return `cannot be read: ${redact(messageOf(error))}`;
}

function checked(host: Host, data: JsonObject, itemIndex?: number): RunCredential {
	const wrong = (problem: string) => new CredentialError(nodeOf(host), problem, itemIndex);
	const { apiKey, baseUrl, maxConcurrency } = data;
	const key = typeof apiKey === 'string' ? apiKey.trim() : (apiKey ?? '');
	if (key === '') throw wrong('has no API key');
	if (typeof key !== 'string') throw wrong('has an API key that is not a text');
	if (NOT_IN_A_HEADER.test(key)) {
		throw wrong('has an API key with a line break or a character that no key has');
	}
	const base = typeof baseUrl === 'string' ? parseHttpUrl(baseUrl.trim()) : undefined;
	if (!base || base.username + base.password !== '' || base.search !== '' || base.hash !== '') {
		throw wrong(`has a "Base URL" that cannot be used: ${withoutSecrets(shown(baseUrl), key)}`);
	}
	const limit = Number(maxConcurrency ?? 0);
	if (!Number.isInteger(limit) || limit < 0) {
		const given = shown(maxConcurrency);
		throw wrong(`has a "Max Concurrency" that is not a whole number, 0 or higher: ${given}`);
	}
	return { apiKey: key, baseUrl: base.href.replace(/\/+$/, ''), maxConcurrency: limit };
}

/** An address may have a password in it. */
function withoutSecrets(address: string, apiKey: string): string {
	const bare = address
		.replace(/([?#])[^"]*/s, '$1***')
		.replace(/^("?(?:[^@]*?:\/\/)?).*@/s, '$1***@');
	return redact(bare, apiKey);
}
