/** Task webhooks: one POST per task when it ends, tried again when the receiver is not there. */
import { request } from 'node:http';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);
const ANSWER_WITHIN_MS = 5000;

export class Webhooks {
	private readonly timers = new Set<NodeJS.Timeout>();
	private readonly retriesMs: () => readonly number[];
	private readonly violate: (what: string) => void;

	constructor(retriesMs: () => readonly number[], violate: (what: string) => void) {
		this.retriesMs = retriesMs;
		this.violate = violate;
	}

	/** Sends an event; failures are retried and then forgotten, as the service does. */
	deliver(url: string, payload: unknown): void {
		const target = URL.parse(url);
		if (target?.protocol !== 'http:' || !LOOPBACK.has(target.hostname)) {
			// The sandbox never talks to anything but this machine.
			this.violate(`webhook ${url} is not an http URL on loopback`);
			return;
		}
		this.attempt(target, JSON.stringify(payload), 0);
	}

	/** Drops what is still to be delivered. */
	clear(): void {
		for (const timer of this.timers) clearTimeout(timer);
		this.timers.clear();
	}

	private attempt(target: URL, body: string, tries: number): void {
		let settled = false;
		const settle = (delivered: boolean): void => {
			if (settled) return;
			settled = true;
			const delay = this.retriesMs()[tries];
			if (delivered || delay === undefined) return;
			const timer = setTimeout(() => {
				this.timers.delete(timer);
				this.attempt(target, body, tries + 1);
			}, delay);
			this.timers.add(timer);
		};
		const outgoing = request(
			target,
			{
				method: 'POST',
				agent: false,
				timeout: ANSWER_WITHIN_MS,
				headers: {
					'content-type': 'application/json',
					'content-length': Buffer.byteLength(body),
					'user-agent': 'inference.sh-webhook/1.0',
				},
			},
			(response) => {
				response.resume();
				const status = response.statusCode ?? 0;
				settle(status >= 200 && status < 300);
			},
		);
		outgoing.on('timeout', () => outgoing.destroy());
		outgoing.on('error', () => settle(false));
		outgoing.on('close', () => settle(false));
		outgoing.end(body);
	}
}
