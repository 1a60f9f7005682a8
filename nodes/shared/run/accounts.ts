import type { RetryStatistics } from '../../client/api/retry';
import type { InferenceClient } from '../../client/client';
import type { InferenceError } from '../../client/errors';
import { isPublicHost } from '../../client/transport/publicHosts';
import { outcomeOf } from '../../client/util/outcome';
import { AppForms } from './appForms';
import type { Connection } from './connection';
import { credentialOf, type RunCredential } from './credential';
import type { NodeRun } from './nodeRun';

function inTheClear(host: string): string {
	return `The API key and all data go to ${host} unencrypted, because the "Base URL" of the credential begins with http://. Let it begin with https://, if the service is there, too.`;
}

/** Whom an item belongs to: who pays for it, and what is known under that key. */
export interface RunAccount {
	readonly credential: RunCredential;
	readonly client: InferenceClient;
	/** What the service says of the apps whose forms are filled in; apps may be private. */
	readonly forms: AppForms;
}

/**
 * The accounts of a run's items. A credential may take its key from the item, so each item is asked
 * for when its turn comes; items with the same credential have one client.
 */
export class RunAccounts implements AsyncDisposable {
	private readonly byItem = new Map<number, Promise<RunAccount>>();
	private readonly byCredential = new Map<string, RunAccount>();
	private latest: RunAccount | undefined;
	private readonly refused = new Map<RunAccount, InferenceError>();
	/** Those who have no answer yet; the last of them gets it last. */
	private waiting = 0;
	private lastAsked: Promise<unknown> | undefined;

	constructor(
		private readonly run: Pick<NodeRun, 'context' | 'scope' | 'hints'>,
		private readonly connection: Connection,
	) {}

	/** Retries and rate limits of all accounts so far. */
	get statistics(): Readonly<RetryStatistics> {
		return this.connection.statistics;
	}

	/**
	 * The account of an incoming item. Whoever asks first is answered first, so that items go on in
	 * their order.
	 *
	 * @throws CredentialError with the item's index if its credential cannot be used; why its account
	 * is refused
	 */
	async of(itemIndex: number): Promise<RunAccount> {
		const account = await (this.byItem.get(itemIndex) ?? this.ask(itemIndex));
		const refusal = this.refused.get(account);
		if (refusal) throw refusal;
		return account;
	}

	/** Lets no further item run under an account. */
	refuse(account: RunAccount, reason: InferenceError): void {
		this.refused.set(account, reason);
	}

	/** The account of a credential that is known already. */
	under(credential: RunCredential): RunAccount {
		const { apiKey, baseUrl, maxConcurrency } = credential;
		if (this.latest?.credential === credential) return this.latest;
		const key = JSON.stringify([baseUrl, apiKey, maxConcurrency]);
		const known = this.byCredential.get(key);
		if (known) return (this.latest = known);
		const { scope, hints } = this.run;
		const { protocol, hostname, host } = new URL(baseUrl);
		if (protocol === 'http:' && isPublicHost(hostname)) hints.say(inTheClear(host));
		const client = this.connection.client(credential);
		const account = { credential, client, forms: new AppForms(client, scope.signal, hints) };
		this.byCredential.set(key, account);
		return (this.latest = account);
	}

	/** Waits for everything under way. Whoever closes early aborts the run's signal first. */
	async [Symbol.asyncDispose](): Promise<void> {
		const clients = [...this.byCredential.values()].map(({ client }) => client);
		await Promise.all(clients.map(async (client) => await client[Symbol.asyncDispose]()));
	}

	private ask(itemIndex: number): Promise<RunAccount> {
		const before = this.waiting > 0 ? this.lastAsked : undefined;
		this.waiting += 1;
		const account = this.find(itemIndex, before);
		this.byItem.set(itemIndex, account);
		this.lastAsked = account;
		return account;
	}

	private async find(itemIndex: number, before: Promise<unknown> | undefined): Promise<RunAccount> {
		const credential = await outcomeOf(credentialOf(this.run.context, itemIndex));
		if (before) await outcomeOf(before);
		this.waiting -= 1;
		if (!credential.ok) throw credential.error;
		return this.under(credential.value);
	}
}
