import type { NodeEgressFilter } from 'n8n-workflow';
import { outcomeOf } from '../util/outcome';
import { flatHeaders } from './headers';
import { isPublicAddress, keepPublic, mustBePublic, NotPublicError } from './publicHosts';
import { UndiciAnswer } from './undiciAnswer';
import {
	asTransportError,
	TransportError,
	type StreamedResponse,
	type Transport,
	type TransportRequest,
	type TransportResponse,
} from './transport';

/** The part of undici that is used; the same in majors 6, 7 and 8. */
export type Undici = Pick<typeof import('undici'), 'EnvHttpProxyAgent' | 'buildConnector'>;
type Connector = ReturnType<Undici['buildConnector']>;
type Dispatcher = InstanceType<Undici['EnvHttpProxyAgent']>;

/**
 * n8n's policy on which hosts a node may reach (`helpers.getSecureEgressFilter`, n8n ≥ 2.28).
 * Both halves are needed: address literals are never looked up, names are checked when they are.
 */
export type EgressPolicy = Pick<NodeEgressFilter, 'validateUrl' | 'createSecureLookup'>;

/** A connection that has been idle this long is closed, before a load balancer does it. */
const KEEP_ALIVE_MS = 4_000;
const CONNECT_TIMEOUT_MS = 10_000;

/** Stands for "no policy" among the keys below. */
const UNRESTRICTED = {};
/** Files come from and go to any host; all of them share one dispatcher. */
const FILE_HOSTS = 'files';
/** The same for files that may come from and go to public hosts only. */
const PUBLIC_HOSTS = 'public files';

/**
 * One pool per undici and egress policy, kept for the life of the process. An undici is known by
 * its class: each `import()` of it, compiled to `require`, gives another object.
 */
const pools = new WeakMap<object, WeakMap<object, Map<string, Dispatcher>>>();

type Lookup = ReturnType<EgressPolicy['createSecureLookup']>;

/** A name that may not be connected to is a failure before sending, which its error does not tell. */
function plainLookup(lookup: Lookup): Lookup {
	return (host, options, done) =>
		lookup(host, options, (error, address, family) =>
			done(error && new TransportError(error.message, false, error), address, family),
		);
}

/**
 * Connects to public hosts only: the address is checked that is connected to. What goes through a
 * proxy is not connected by this, and its names are looked up there.
 */
function toPublicHosts(connect: Connector): Connector {
	return (options, done) => {
		const socket: unknown = connect(options, (...result) => {
			const [, connected] = result;
			if (!connected || isPublicAddress(connected.remoteAddress ?? '')) return done(...result);
			const refused = new NotPublicError();
			connected.destroy(refused);
			done(refused, null);
		});
		keepPublic(socket);
	};
}

function dispatcherFor(undici: Undici, origin: string, egress: EgressPolicy | undefined) {
	const { EnvHttpProxyAgent, buildConnector } = undici;
	const byPolicy = pools.get(EnvHttpProxyAgent) ?? new WeakMap<object, Map<string, Dispatcher>>();
	pools.set(EnvHttpProxyAgent, byPolicy);
	const policy = egress ?? UNRESTRICTED;
	const byOrigin = byPolicy.get(policy) ?? new Map<string, Dispatcher>();
	byPolicy.set(policy, byOrigin);
	const known = byOrigin.get(origin);
	if (known) return known;
	const connect = buildConnector({
		timeout: CONNECT_TIMEOUT_MS,
		allowH2: false,
		...(egress ? { lookup: plainLookup(egress.createSecureLookup()) } : {}),
	});
	const dispatcher = new EnvHttpProxyAgent({
		keepAliveTimeout: KEEP_ALIVE_MS,
		keepAliveMaxTimeout: KEEP_ALIVE_MS,
		pipelining: 1,
		allowH2: false,
		connect: origin === PUBLIC_HOSTS ? toPublicHosts(connect) : connect,
	});
	byOrigin.set(origin, dispatcher);
	return dispatcher;
}

function filePool({ publicOnly }: TransportRequest): string {
	return publicOnly ? PUBLIC_HOSTS : FILE_HOSTS;
}

/** Path and query of a URL, whose origin may be spelled in another way than the normal one. */
function pathOf(url: string, origin: string): string {
	if (url.startsWith(`${origin}/`)) return url.slice(origin.length);
	const { pathname, search } = new URL(url);
	return pathname + search;
}

/** What the egress policy says of an origin. */
interface Verdict {
	/** Rejects if nothing may be sent there. */
	readonly given: Promise<void>;
	/** Those who wait for it. As long as there are any, whoever comes later waits behind them. */
	waiting: number;
	allowed: boolean;
}

/** Requests over undici: pooled, keep-alive, proxies by environment, n8n's egress policy. */
export class UndiciTransport implements Transport {
	readonly name = 'undici';

	private readonly verdicts = new Map<string, Verdict>();
	private lastOrigin = '';

	constructor(
		private readonly undici: Undici,
		private readonly egress?: EgressPolicy,
	) {}

	request(request: TransportRequest): Promise<TransportResponse> {
		const origin = this.originOf(request.url);
		const verdict = this.egress && this.verdictOn(origin, this.egress);
		const mustWait = verdict && !(verdict.allowed && verdict.waiting === 0);
		return mustWait ? this.sendInTurn(origin, request, verdict) : this.send(origin, request);
	}

	private send(origin: string, request: TransportRequest): Promise<TransportResponse> {
		const { egress } = this;
		const { body = null } = request;
		const pool = typeof body === 'object' && body !== null ? filePool(request) : origin;
		return new Promise<TransportResponse>((resolve, reject) => {
			if (request.publicOnly) mustBePublic(request.url);
			const answer = new UndiciAnswer({ resolve, reject }, request.signal, request.graceMs ?? 0);
			if (request.signal.aborted) return;
			dispatcherFor(this.undici, pool, egress).dispatch(
				{
					origin,
					path: pathOf(request.url, origin),
					method: request.method,
					headers: request.headers,
					body,
					headersTimeout: request.headersTimeoutMs,
					bodyTimeout: request.silenceMs,
				},
				answer,
			);
			if (!answer.handedOver) answer.limitConnecting(request.headersTimeoutMs);
		});
	}

	async open(request: TransportRequest): Promise<StreamedResponse> {
		const { egress } = this;
		const { url, method, headers, signal } = request;
		if (request.publicOnly) mustBePublic(url);
		const origin = this.originOf(url);
		if (egress) await this.verdictOn(origin, egress).given;
		signal.throwIfAborted();
		const controller = new AbortController();
		const abort = () => controller.abort(signal.reason);
		signal.addEventListener('abort', abort);
		const asked = dispatcherFor(this.undici, filePool(request), egress).request({
			origin,
			path: pathOf(url, origin),
			method,
			headers,
			signal: controller.signal,
			headersTimeout: request.headersTimeoutMs,
			bodyTimeout: request.silenceMs,
		});
		const answer = await outcomeOf(asked);
		if (!answer.ok) {
			signal.removeEventListener('abort', abort);
			signal.throwIfAborted();
			throw asTransportError(answer.error);
		}
		const { statusCode: status, body: stream } = answer.value;
		stream.on('close', () => signal.removeEventListener('abort', abort));
		// An error that nobody listens to any more would end the process.
		stream.on('error', () => {});
		signal.throwIfAborted();
		return { status, headers: flatHeaders(answer.value.headers), stream };
	}

	/** Nearly all requests go to the origin of the one before, which saves parsing their URLs. */
	private originOf(url: string): string {
		if (!url.startsWith(`${this.lastOrigin}/`)) this.lastOrigin = new URL(url).origin;
		return this.lastOrigin;
	}

	/** Sends once the policy allows it, in the order in which the requests came. */
	private async sendInTurn(
		origin: string,
		request: TransportRequest,
		verdict: Verdict,
	): Promise<TransportResponse> {
		verdict.waiting += 1;
		try {
			await verdict.given;
			verdict.allowed = true;
		} finally {
			verdict.waiting -= 1;
		}
		return await this.send(origin, request);
	}

	/** Asks the policy once for each origin; the lookup goes on checking every connection. */
	private verdictOn(origin: string, egress: EgressPolicy): Verdict {
		const known = this.verdicts.get(origin);
		if (known) return known;
		const verdict = { given: this.ask(origin, egress), waiting: 0, allowed: false };
		this.verdicts.set(origin, verdict);
		return verdict;
	}

	private async ask(origin: string, egress: EgressPolicy): Promise<void> {
		const asked = await outcomeOf(egress.validateUrl(origin));
		if (asked.ok && asked.value.ok) return;
		// The next one asks again.
		this.verdicts.delete(origin);
		if (!asked.ok) throw asked.error;
		if (!asked.value.ok) {
			const { error } = asked.value;
			throw new TransportError(error.message, false, error);
		}
	}
}

/**
 * The undici that the n8n host ships, if it does.
 *
 * @returns undefined if there is none, or one without what is needed
 */
export async function loadHostUndici(): Promise<Undici | undefined> {
	try {
		const undici = await import('undici');
		return 'EnvHttpProxyAgent' in undici ? undici : undefined;
	} catch {
		return undefined;
	}
}
