import type { buildConnector } from 'undici';
import type { NodeEgressFilter } from 'n8n-workflow';
import { orAborted, type CancelSignal } from '../util/cancelSignal';
import { outcomeOf } from '../util/outcome';
import { decodedPart } from '../util/url';
import { isPublicAddress, keepPublic, NotPublicError } from './publicHosts';
import { TransportError } from './transport';

/** The part of undici that is used; the same in majors 6, 7 and 8. */
export type Undici = Pick<typeof import('undici'), 'Client' | 'buildConnector'>;
export type Socket = Parameters<buildConnector.Callback>[1] & object;

/**
 * n8n's policy on which hosts a node may reach (`helpers.getSecureEgressFilter`, n8n ≥ 2.28).
 * Both halves are needed: address literals are never looked up, names are checked when they are.
 */
export type EgressPolicy = Pick<NodeEgressFilter, 'validateUrl' | 'createSecureLookup'>;

/** The way to an origin. */
export interface Route {
	/** The same for the same way, another one for each other. */
	readonly key: string;
	readonly origin: string;
	/** How the URLs begin that lead there, as a rule. */
	readonly prefix: string;
	/** Address of a proxy, empty for none. */
	readonly proxy: string;
	/** Headers that open it. */
	readonly login: Readonly<Record<string, string>>;
	/** Whether a host that is not on the public internet must not be reached. Proxies look names up. */
	readonly publicOnly: boolean;
}

/** For TCP and for TLS, each. */
const STEP_MS = 10_000;

/** The name and password in a proxy's address, as headers. */
export function loginOf(proxy: string): Route['login'] {
	const { username, password } = new URL(proxy);
	if (username === '' && password === '') return {};
	const login = `${decodedPart(username)}:${decodedPart(password)}`;
	return { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` };
}

/**
 * Makes connections: directly or through a proxy, TLS included. undici's own proxy agent connects anew
 * for ever if a proxy hangs up, and does not stop when nobody waits any more.
 */
export class Connector {
	private readonly direct: buildConnector.connector;
	/** To proxies, which n8n's policy on addresses does not concern, and through them. */
	private readonly plain: buildConnector.connector;

	constructor(
		private readonly undici: Undici,
		private readonly egress: EgressPolicy | undefined,
	) {
		const options = { timeout: STEP_MS, allowH2: false };
		const lookup = egress?.createSecureLookup();
		this.plain = undici.buildConnector(options);
		this.direct = lookup ? undici.buildConnector({ ...options, lookup }) : this.plain;
	}

	/**
	 * @param signal ends the attempt; nothing is left of it
	 * @throws whatever has gone wrong; what the connection was for has not left
	 */
	async connect(route: Route, signal: CancelSignal): Promise<Socket> {
		const target = new URL(route.origin);
		const verdict = this.egress && (await orAborted(this.egress.validateUrl(route.origin), signal));
		if (verdict?.ok === false) throw verdict.error;
		if (route.proxy === '') return await reach(this.direct, target, signal, route);
		const proxy = new URL(route.proxy);
		const socket = await reach(this.plain, proxy, signal);
		if (target.protocol === 'http:') return socket;
		const ended = () => void socket.destroy();
		signal.addEventListener('abort', ended);
		const secured = await outcomeOf(this.throughTunnel(socket, route, target, signal));
		signal.removeEventListener('abort', ended);
		if (secured.ok) return secured.value;
		ended();
		throw secured.error;
	}

	private async throughTunnel(
		socket: Socket,
		route: Route,
		target: URL,
		signal: CancelSignal,
	): Promise<Socket> {
		const authority = `${target.hostname}:${target.port || 443}`;
		let asked = false;
		const client = new this.undici.Client(`http://${new URL(route.proxy).host}`, {
			// An answer at once is overheard.
			connect: (_options, done) =>
				queueMicrotask(() => {
					// A second time it is asked if the first connection is lost.
					if (asked) return done(new TransportError(HUNG_UP, false, undefined), null);
					asked = true;
					done(null, socket);
				}),
		});
		const headers = { host: authority, ...route.login };
		const answer = await outcomeOf(client.connect({ path: authority, headers }));
		if (!answer.ok) throw new TransportError(HUNG_UP, false, answer.error);
		const { statusCode, socket: tunnel } = answer.value;
		if (statusCode !== 200) throw proxyRefusal(statusCode);
		return await reach(this.plain, target, signal, { tunnel: tunnel as Socket });
	}
}

const HUNG_UP = 'the proxy gave no usable answer';

/** The error for what a proxy does not pass on. */
export function proxyRefusal(status: number): TransportError {
	return new TransportError(`the proxy refuses to connect (HTTP ${status})`, false, undefined);
}

/** How something is reached. */
interface Manner {
	readonly publicOnly?: boolean;
	/** What TLS is spoken over, if not over a connection of its own. */
	readonly tunnel?: Socket;
}

async function reach(
	connector: buildConnector.connector,
	{ hostname, host, port, protocol }: URL,
	signal: CancelSignal,
	{ publicOnly = false, tunnel }: Manner = {},
): Promise<Socket> {
	signal.throwIfAborted();
	return await new Promise((resolve, reject) => {
		let started: unknown = undefined;
		const giveUp = () => {
			if (isSocket(started)) started.destroy();
			reject(signal.reason);
		};
		signal.addEventListener('abort', giveUp);
		const options = {
			// An address in brackets is no name.
			hostname: hostname.replace(/^\[|\]$/g, ''),
			host,
			// What n8n takes for a proxy may begin with anything; all but https is plain.
			protocol: protocol === 'https:' ? protocol : 'http:',
			port,
			...(tunnel && { httpSocket: tunnel }),
		};
		started = connector(options, (error, socket) => {
			signal.removeEventListener('abort', giveUp);
			if (!socket) return reject(error);
			if (!publicOnly || isPublicAddress(socket.remoteAddress ?? '')) return resolve(socket);
			socket.destroy();
			reject(new NotPublicError());
		});
		if (publicOnly) keepPublic(started);
	});
}

/** undici returns what it has begun with, although its types say nothing of it. */
function isSocket(value: unknown): value is Socket {
	return typeof value === 'object' && value !== null && 'destroy' in value;
}
