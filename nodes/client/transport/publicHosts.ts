import { TransportError } from './transport';

/**
 * IPv4 addresses that are no host of the public internet: IANA's registry of special addresses, what
 * is above it, and the one at which Azure's machines find their host. Address and length of the prefix.
 */
const SPECIAL = (
	'0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 ' +
	'192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 ' +
	'203.0.113.0/24 224.0.0.0/3'
)
	.split(' ')
	.map((block) => {
		const [address = '', length] = block.split('/');
		return { address, size: 2 ** (32 - Number(length)) };
	});
const IPV4 = /^\d+(?:\.\d+){3}$/;
/** Names that are given inside a network only: those without a dot, and these endings. */
const INNER_NAME =
	/^[^.:]*$|(?:^|\.)(?:localhost|localdomain|local|internal|intranet|intra|lan|corp|home|private|home\.arpa|svc|consul)$/i;

function numberOf(address: string): number {
	return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

function isPublicIpv4(number: number): boolean {
	return SPECIAL.every(({ address, size }) => {
		return Math.floor(number / size) !== Math.floor(numberOf(address) / size);
	});
}

/** The eight numbers of an IPv6 address as a `URL` writes it. */
function groupsOf(address: string): readonly number[] {
	const [left = [], right] = address.split('::').map((half) => half.split(':').filter(Boolean));
	const gap = right ? new Array<string>(8 - left.length - right.length).fill('0') : [];
	return [...left, ...gap, ...(right ?? [])].map((group) => parseInt(group, 16));
}

/** Only 2000::/3 is given to hosts, and some of that is not for them. */
function isPublicIpv6(address: string): boolean {
	const groups = groupsOf(address);
	const [first = 0, second = 0] = groups;
	const [high = 0, low = 0] = groups.slice(6);
	// An IPv4 host, as such or behind a gateway (RFC 6052).
	if (/^(?:0:0:0:0:0:65535|100:65435:0:0:0:0)$/.test(groups.slice(0, 6).join(':'))) {
		return isPublicIpv4(high * 65_536 + low);
	}
	const isSpecial =
		first === 0x2002 ||
		(first === 0x2001 && (second < 0x200 || second === 0xdb8)) ||
		(first === 0x3fff && second < 0x1000);
	return first >> 13 === 1 && !isSpecial;
}

/**
 * Whether an IP address is one of the public internet: not private, loopback, link-local, shared,
 * multicast, reserved or a way to write such an address.
 *
 * @param address as sockets and look-ups tell it; anything else is not public
 */
export function isPublicAddress(address: string): boolean {
	if (IPV4.test(address)) return isPublicIpv4(numberOf(address));
	const url = `http://[${address}]`;
	return URL.canParse(url) && isPublicIpv6(new URL(url).hostname.slice(1, -1));
}

/**
 * Whether a host can be one of the public internet, as far as its name tells.
 *
 * @param hostname of a `URL`, which has brought all spellings of an address into one
 */
export function isPublicHost(hostname: string): boolean {
	const name = hostname.replace(/\.+$/, '');
	if (IPV4.test(name) || name.startsWith('[')) return isPublicAddress(name.replace(/[[\]]/g, ''));
	return !INNER_NAME.test(name);
}

/** A request that may reach public hosts only leads to another one. */
export class NotPublicError extends TransportError {
	constructor() {
		super('it leads to an address that is not on the public internet', false, undefined);
	}
}

/** @throws NotPublicError if the URL's host is none of the public internet, as far as its name tells */
export function mustBePublic(url: string): void {
	if (!isPublicHost(new URL(url).hostname)) throw new NotPublicError();
}

/** The part of a Node.js socket that is used. */
interface WatchedSocket {
	on(event: 'lookup', listener: (error: unknown, address: unknown) => void): unknown;
	destroy(reason: Error): unknown;
}

function isSocket(value: unknown): value is WatchedSocket {
	return typeof value === 'object' && value !== null && 'on' in value && 'destroy' in value;
}

/**
 * Closes a socket as soon as it is about to connect to an address that is not public: the address
 * that its own look-up has found, so that no second look-up can give another one. A look-up that
 * answers at once has done so before this: then the address that is connected to has to be checked.
 *
 * @param socket that has begun to connect
 */
export function keepPublic(socket: unknown): void {
	if (!isSocket(socket)) return;
	socket.on('lookup', (_error, address) => {
		if (typeof address === 'string' && !isPublicAddress(address))
			socket.destroy(new NotPublicError());
	});
}
