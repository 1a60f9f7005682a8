import { timerFor } from '../util/deadline';
import { isJsonObject } from '../util/json';
import type { Release } from '../util/keyedQueue';
import { asError } from '../util/errorMessage';
import { outcomeOf } from '../util/outcome';
import { Connector, loginOf, type EgressPolicy, type Route, type Undici } from './connect';
import { inTurn, placeNow } from './connectionLimits';
import { ConnectionPool } from './connectionPool';
import { headersOf } from './headers';
import { hostModule } from './hostModule';
import { mustBePublic } from './publicHosts';
import type { Waiting } from './undiciAnswer';
import {
	asTransportError,
	givenUp,
	isOutOfHandles,
	isStream,
	NO_ANSWER,
	TransportError,
	type StreamedResponse,
	type Transport,
	type TransportRequest,
	type TransportResponse,
} from './transport';

/** What the n8n that runs this package sends its own requests by. */
export interface HostNetwork {
	readonly undici: Undici;
	/** Address of the proxy for a URL, by the environment as it is now; empty for none. */
	readonly proxyFor: (url: string) => string;
}

/** Stands for "no policy" among the keys below. */
const UNRESTRICTED = {};

/** One pool for each egress policy, kept for the life of the process, and for each undici. */
const pools = new WeakMap<object, WeakMap<object, ConnectionPool>>();

function poolFor(undici: Undici, egress: EgressPolicy | undefined): ConnectionPool {
	const byPolicy = pools.get(undici.Client) ?? new WeakMap<object, ConnectionPool>();
	pools.set(undici.Client, byPolicy);
	const policy = egress ?? UNRESTRICTED;
	const known = byPolicy.get(policy);
	if (known) return known;
	const pool = new ConnectionPool(undici, new Connector(undici, egress));
	byPolicy.set(policy, pool);
	return pool;
}

/** Path and query of a URL, whose origin may be spelled in another way than the normal one. */
function pathOf(url: string, { origin, prefix }: Route): string {
	if (url.startsWith(prefix)) return url.slice(origin.length);
	const { pathname, search } = new URL(url);
	return pathname + search;
}

const NO_PROXY = 'the proxy that is set in the environment of this n8n has no usable address';

/** What is not connected yet has not left. */
function throwIfGivenUp(request: TransportRequest): void {
	if (request.signal.aborted) throw givenUp(request);
}

/** Requests over undici: pooled, keep-alive, through n8n's proxies, under its egress policy. */
export class UndiciTransport implements Transport {
	readonly name = 'undici';

	private readonly pool: ConnectionPool;
	private lastRoute: Route | undefined;

	constructor(
		private readonly host: HostNetwork,
		egress?: EgressPolicy,
	) {
		this.pool = poolFor(host.undici, egress);
	}

	request(request: TransportRequest): Promise<TransportResponse> {
		return new Promise<TransportResponse>((resolve, reject) => {
			throwIfGivenUp(request);
			const route = this.routeOf(request);
			const wait = () => void this.inTurn(route, request).then(resolve, reject);
			// Nearly all find a place and a file handle at once, which spares them three promises.
			const place = isStream(request.body) ? undefined : placeNow(route.origin, request);
			if (!place) return wait();
			const failed = (error: unknown) => (isOutOfHandles(error) ? wait() : reject(error));
			this.send(route, request, place, { resolve, reject: failed });
		});
	}

	private async inTurn(route: Route, request: TransportRequest): Promise<TransportResponse> {
		return await inTurn(route.origin, request, async (place) => {
			return await new Promise((resolve, reject) => {
				throwIfGivenUp(request);
				this.send(route, request, place, { resolve, reject });
			});
		});
	}

	private send(route: Route, request: TransportRequest, place: Release, waiting: Waiting): void {
		const connection = this.pool.take(route, place);
		const answer = new this.pool.Answer(waiting, request, connection);
		connection.client.dispatch(this.asSent(route, request), answer);
	}

	/** A request as undici wants it. A proxy that opens no tunnel is told the whole URL. */
	private asSent(route: Route, request: TransportRequest) {
		const { url, method, body = null, headers } = request;
		const { origin, proxy, login } = route;
		const isForwarded = proxy !== '' && url.startsWith('http:');
		const path = pathOf(url, route);
		return {
			origin,
			path: isForwarded ? origin + path : path,
			method,
			headers: isForwarded ? { ...headers, ...login } : headers,
			body,
			headersTimeout: request.headersTimeoutMs,
			bodyTimeout: request.silenceMs,
		};
	}

	async open(request: TransportRequest): Promise<StreamedResponse> {
		throwIfGivenUp(request);
		const route = this.routeOf(request);
		return await inTurn(route.origin, request, async (place) => {
			return await this.openOnce(route, request, place);
		});
	}

	private async openOnce(
		route: Route,
		request: TransportRequest,
		place: Release,
	): Promise<StreamedResponse> {
		const { signal } = request;
		throwIfGivenUp(request);
		const connection = this.pool.take(route, place);
		const limit = timerFor(request.headersTimeoutMs);
		const leave = () => connection.drop(asError(signal.reason));
		const giveUp = () => connection.drop(new TransportError(NO_ANSWER, true, undefined));
		signal.addEventListener('abort', leave);
		limit.addEventListener('abort', giveUp);
		const answer = await outcomeOf(connection.client.request(this.asSent(route, request)));
		limit.removeEventListener('abort', giveUp);
		if (!answer.ok) {
			signal.removeEventListener('abort', leave);
			const error = asTransportError(answer.error);
			connection.drop(error);
			signal.throwIfAborted();
			throw error;
		}
		const { statusCode: status, body: stream } = answer.value;
		stream.on('close', () => {
			signal.removeEventListener('abort', leave);
			if (stream.readableEnded) connection.giveBack();
			else connection.drop(new Error('the answer is not needed any more'));
		});
		// An error that nobody listens to any more would end the process.
		stream.on('error', () => {});
		signal.throwIfAborted();
		return { status, headers: headersOf(answer.value.headers), stream };
	}

	/** Nearly all requests go where the one before went, which saves parsing their URLs. */
	private routeOf({ url, publicOnly = false }: TransportRequest): Route {
		if (publicOnly) mustBePublic(url);
		const { lastRoute } = this;
		if (lastRoute?.publicOnly === publicOnly && url.startsWith(lastRoute.prefix)) return lastRoute;
		const { origin } = new URL(url);
		// n8n asks without the brackets of IPv6.
		const proxy = this.host.proxyFor(origin.replace(/[[\]]/g, ''));
		if (proxy !== '' && !URL.canParse(proxy)) throw new TransportError(NO_PROXY, false, undefined);
		const login = proxy === '' ? {} : loginOf(proxy);
		const key = `${origin} ${proxy} ${String(publicOnly)}`;
		this.lastRoute = { key, origin, prefix: `${origin}/`, proxy, login, publicOnly };
		return this.lastRoute;
	}
}

/**
 * What the n8n host has.
 *
 * @returns undefined if it lacks a part of it
 */
export function loadHostNetwork(): HostNetwork | undefined {
	const undici = hostModule('undici');
	const proxies = hostModule('proxy-from-env');
	if (!isUndici(undici) || !isJsonObject(proxies)) return undefined;
	const { getProxyForUrl } = proxies;
	if (typeof getProxyForUrl !== 'function') return undefined;
	return { undici, proxyFor: (url) => String(getProxyForUrl(url)) };
}

function isUndici(value: unknown): value is Undici {
	return isJsonObject(value) && 'Client' in value && 'buildConnector' in value;
}
