import type { Account } from '../api/account';
import { path, type ApiCall } from '../api/api';
import { appFromWire, type AppInfo } from './appInfo';
import { appName } from './appRef';
import type { CancelSignal } from '../util/cancelSignal';
import type { Clock } from '../util/clock';
import { NotFoundError } from '../errors';
import { isJsonObject, listOf, textOf, type JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';

/** A version of an app, as a list shows it. */
export interface VersionSummary {
	/** The short id, as references have it. */
	readonly id: string;
	readonly createdAt: string | undefined;
}

/** A session, as a list shows it. */
export interface SessionSummary {
	readonly id: string;
	readonly appId: string | undefined;
	readonly status: string;
	readonly expiresAt: string | undefined;
	readonly calls: number;
}

/** How an app's current version may change unseen, ms. A named version never changes. */
const FRESH_MS = 120_000;
const MOST_APPS = 200;
const MOST_VERSIONS = 100;

interface CachedApp {
	readonly app: AppInfo;
	readonly until: number;
}

/** Apps by reference, for each account of the process. */
const caches = new WeakMap<Account, Map<string, CachedApp>>();

function cacheOf(account: Account): Map<string, CachedApp> {
	const known = caches.get(account);
	if (known) return known;
	const cache = new Map<string, CachedApp>();
	caches.set(account, cache);
	return cache;
}

/** Sends a request that changes nothing, with retries. */
export type ReadService = <T>(
	call: Omit<ApiCall, 'signal'>,
	decode: (value: unknown) => T | undefined,
	signal?: CancelSignal,
) => Promise<T>;

const asObject = (value: unknown) => (isJsonObject(value) ? value : undefined);

/** What the service says of apps, their versions and sessions. */
export class Catalogue {
	/** Whatever became of it, one client asks for an app once. */
	private readonly asked = new Map<string, Promise<AppInfo>>();
	private readonly cache: Map<string, CachedApp>;

	constructor(
		private readonly read: ReadService,
		account: Account,
		private readonly clock: Clock,
	) {
		this.cache = cacheOf(account);
	}

	/**
	 * Schemas and functions of an app. Remembered in the process for a while: for two minutes if the
	 * reference has no version.
	 *
	 * @param ref `namespace/name[@version]`
	 * @throws InferenceError if the app cannot be read
	 */
	async app(ref: string, signal?: CancelSignal): Promise<AppInfo> {
		const cached = this.cache.get(ref);
		if (cached && cached.until > this.clock.now()) return cached.app;
		const known = this.asked.get(ref);
		if (known) return await known;
		const asked = this.fetch(ref, signal);
		this.asked.set(ref, asked);
		return await asked;
	}

	/** Versions of an app, newest first (`POST /apps/{id}/versions/list`). */
	async versions(appId: string): Promise<readonly VersionSummary[]> {
		const rows = await this.versionRows(appId);
		return rows.flatMap((row) => {
			const id = textOf(row['short_id']) ?? textOf(row['id']);
			return id === undefined ? [] : [{ id, createdAt: textOf(row['created_at']) }];
		});
	}

	/** The workspace's sessions (`GET /sessions`). */
	async sessions(): Promise<readonly SessionSummary[]> {
		const rows = await this.read({ method: 'GET', path: '/sessions' }, (value) =>
			value === null || Array.isArray(value) ? listOf(value) : undefined,
		);
		return rows.filter(isJsonObject).flatMap((row) => {
			const id = textOf(row['id']);
			if (id === undefined) return [];
			const { status, call_count: calls } = row;
			return [
				{
					id,
					appId: textOf(row['app_id']),
					status: textOf(status) ?? 'unknown',
					expiresAt: textOf(row['expires_at']),
					calls: typeof calls === 'number' ? calls : 0,
				},
			];
		});
	}

	private async fetch(ref: string, signal?: CancelSignal): Promise<AppInfo> {
		const version = /@(.+)$/.exec(ref)?.[1];
		const current = await this.get(path('apps', ...appName(ref).split('/')), signal);
		const pinned = version !== undefined && version !== 'latest';
		const app =
			!pinned || current.versionIds.includes(version) || current.id === undefined
				? current
				: await this.version(current.id, version, signal);
		const [oldest] = this.cache.keys();
		if (this.cache.size >= MOST_APPS && oldest !== undefined) this.cache.delete(oldest);
		this.cache.set(ref, { app, until: pinned ? Infinity : this.clock.now() + FRESH_MS });
		return app;
	}

	/** It is not documented which ids the route takes: if not the short one, then the full one. */
	private async version(appId: string, id: string, signal?: CancelSignal): Promise<AppInfo> {
		const route = (version: string) => path('apps', appId, 'versions', version);
		const found = await outcomeOf(this.get(route(id), signal));
		if (found.ok) return found.value;
		if (!(found.error instanceof NotFoundError)) throw found.error;
		const rows = await this.versionRows(appId, signal);
		const full = textOf(rows.find((row) => row['short_id'] === id)?.['id']);
		if (full === undefined || full === id) throw found.error;
		return await this.get(route(full), signal);
	}

	private async get(route: string, signal?: CancelSignal): Promise<AppInfo> {
		const decode = (value: unknown) => (isJsonObject(value) ? appFromWire(value) : undefined);
		return await this.read({ method: 'GET', path: route }, decode, signal);
	}

	private async versionRows(appId: string, signal?: CancelSignal): Promise<readonly JsonObject[]> {
		const call = {
			method: 'POST',
			path: path('apps', appId, 'versions', 'list'),
			body: { limit: MOST_VERSIONS },
		} as const;
		const list = await this.read(call, asObject, signal);
		return listOf(list['items']).filter(isJsonObject);
	}
}
