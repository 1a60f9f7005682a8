import type { Account } from '../api/account';
import { path } from '../api/api';
import type { ClientContext } from '../api/context';
import { readService } from '../api/readService';
import { NotFoundError } from '../errors';
import type { CancelSignal } from '../util/cancelSignal';
import { isJsonObject, textOf } from '../util/json';
import { outcomeOf, type Outcome } from '../util/outcome';
import { SharedWork } from '../util/sharedWork';
import { appFromWire, isApp, type AppInfo } from './appInfo';
import { appName } from './appRef';
import { versionRows } from './versions';

/** How an app's current version may change unseen, ms. A named version never changes. */
const FRESH_MS = 120_000;
const MOST_APPS = 200;

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

/** What the service says of apps, remembered for a while. */
export class Catalogue {
	/** Whatever became of it, one client asks for an app once. */
	private readonly asked = new SharedWork<Outcome<AppInfo>>();
	private readonly cache: Map<string, CachedApp>;

	constructor(private readonly context: ClientContext) {
		this.cache = cacheOf(context.account);
	}

	/**
	 * Schemas and functions of an app. Remembered in the process for a while: for two minutes if the
	 * reference has no version.
	 *
	 * @param ref `namespace/name[@version]`
	 * @param signal ends this wait; whoever else waits for the same app goes on
	 * @throws InferenceError if the app cannot be read; the abort reason
	 */
	async app(ref: string, signal: CancelSignal = this.context.signal): Promise<AppInfo> {
		const cached = this.cache.get(ref);
		if (cached && cached.until > this.context.clock.now()) return cached.app;
		const found = await this.asked.get(ref, signal, async (ofAll) => {
			return await outcomeOf(this.fetch(ref, ofAll));
		});
		if (!found.ok) throw found.error;
		return found.value;
	}

	private async fetch(ref: string, signal: CancelSignal): Promise<AppInfo> {
		const { clock } = this.context;
		const context = { ...this.context, signal };
		const version = /@(.+)$/.exec(ref)?.[1];
		const current = await fetchApp(path('apps', ...appName(ref).split('/')), context);
		const pinned = version !== undefined && version !== 'latest';
		const app =
			!pinned || current.versionIds.includes(version) || current.id === undefined
				? current
				: await fetchVersion(current.id, version, context);
		const [oldest] = this.cache.keys();
		if (this.cache.size >= MOST_APPS && oldest !== undefined) this.cache.delete(oldest);
		this.cache.set(ref, { app, until: pinned ? Infinity : clock.now() + FRESH_MS });
		return app;
	}
}

async function fetchApp(route: string, context: ClientContext): Promise<AppInfo> {
	const decode = (value: unknown) =>
		isJsonObject(value) && isApp(value) ? appFromWire(value) : undefined;
	return await readService({ method: 'GET', path: route }, decode, context);
}

/** It is not documented which ids the route takes: if not the short one, then the full one. */
async function fetchVersion(appId: string, id: string, context: ClientContext): Promise<AppInfo> {
	const route = (version: string) => path('apps', appId, 'versions', version);
	const found = await outcomeOf(fetchApp(route(id), context));
	if (found.ok) return found.value;
	if (!(found.error instanceof NotFoundError)) throw found.error;
	const rows = await versionRows(appId, context);
	const full = textOf(rows.find((row) => row['short_id'] === id)?.['id']);
	if (full === undefined || full === id) throw found.error;
	return await fetchApp(route(full), context);
}
