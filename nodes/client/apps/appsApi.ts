import type { ClientContext } from '../api/context';
import type { CancelSignal } from '../util/cancelSignal';
import type { JsonObject } from '../util/json';
import type { PendingWork } from '../util/pendingWork';
import { functionOf, type AppInfo } from './appInfo';
import { Catalogue } from './catalogue';
import { listChatModels } from './chatModels';
import { estimateCost, type CostEstimate, type EstimateRequest } from './estimate';
import { listSessions, type SessionSummary } from './sessions';
import { listSummaries, type AppSummary, type Page } from './summaries';
import { versionFromWire, versionRows, type VersionSummary } from './versions';

/** Apps: lists of them, what they take and give, what they cost (API notes 7). */
export class AppsApi {
	private readonly catalogue: Catalogue;

	/** @param work is told of everything under way */
	constructor(
		private readonly context: ClientContext,
		private readonly work: PendingWork,
	) {
		this.catalogue = new Catalogue(context);
	}

	/**
	 * Apps of the key's own workspace (`POST /apps/list`), a page at a time.
	 *
	 * @param search term by which the service filters them
	 * @throws InferenceError if the list cannot be read
	 */
	async list(search: string | undefined, cursor?: string): Promise<Page<AppSummary>> {
		return await this.work.track(listSummaries('/apps/list', search, cursor, this.context));
	}

	/**
	 * Apps of the public store (`POST /store/apps/list`, API notes 7.3); older servers may lack it.
	 *
	 * @throws NotFoundError if the server lacks it; otherwise as `list`
	 */
	async listStore(search: string | undefined, cursor?: string): Promise<Page<AppSummary>> {
		return await this.work.track(listSummaries('/store/apps/list', search, cursor, this.context));
	}

	/** References of the apps that are language models; see `listChatModels`. */
	async chatModels(): Promise<readonly string[]> {
		return await this.work.track(listChatModels(this.context));
	}

	/**
	 * Schemas and functions of an app; see `Catalogue.app`.
	 *
	 * @param ref `namespace/name[@version]`
	 */
	async get(ref: string, signal?: CancelSignal): Promise<AppInfo> {
		return await this.work.track(this.catalogue.app(ref, signal));
	}

	/**
	 * The schema of what a function of an app puts out; undefined if it has none.
	 *
	 * @param ref with or without version
	 * @param entry name of the function, undefined for the default one
	 * @throws as `get`
	 */
	async outputSchema(ref: string, entry: string | undefined): Promise<JsonObject | undefined> {
		return functionOf(await this.get(ref), entry)?.output;
	}

	/**
	 * Versions of an app, newest first.
	 *
	 * @throws InferenceError if the list cannot be read
	 */
	async versions(appId: string): Promise<readonly VersionSummary[]> {
		const rows = await this.work.track(versionRows(appId, this.context));
		return rows.map(versionFromWire).filter((version) => version !== undefined);
	}

	/** Sessions of the workspace; see `listSessions`. */
	async sessions(): Promise<readonly SessionSummary[]> {
		return await this.work.track(listSessions(this.context));
	}

	/**
	 * What running an app with an input is going to cost; unknown for an app without an id.
	 *
	 * @param ref `namespace/name`
	 * @throws InferenceError if the app cannot be read; as `estimateCost`
	 */
	async estimate(ref: string, request: EstimateRequest): Promise<CostEstimate> {
		const { id } = await this.get(ref);
		if (id === undefined) return { kind: 'unknown' };
		return await this.work.track(estimateCost(id, request, this.context));
	}
}
