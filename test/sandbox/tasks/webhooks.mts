/** Task webhooks: one POST per task when it ends, tried again when the receiver is not there. */
import { request } from 'node:http';

import type { Appointment, Timetable } from '../timetable.mts';
import type { SandboxSettings, WebhookDelivery } from '../types.mts';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);
const ANSWER_WITHIN_MS = 5000;

type WebhookSettings = Pick<
	SandboxSettings,
	'webhookCopies' | 'webhookDelayMs' | 'webhookRetriesMs'
>;

interface Callback {
	readonly target: URL;
	readonly taskId: string;
	readonly body: string;
}

export class Webhooks {
	private readonly appointments = new Set<Appointment>();
	/** Attempts that are not answered yet. */
	private readonly open = new Set<symbol>();
	private readonly time: Timetable;
	private readonly settings: WebhookSettings;
	private readonly violate: (what: string) => void;
	/** Every attempt that has been answered, or has failed, in that order. */
	readonly deliveries: WebhookDelivery[] = [];

	constructor(time: Timetable, settings: WebhookSettings, violate: (what: string) => void) {
		this.time = time;
		this.settings = settings;
		this.violate = violate;
	}

	/** Sends an event; failures are retried and then forgotten, as the service does. */
	deliver(url: string, taskId: string, payload: unknown): void {
		const target = URL.parse(url);
		if (target?.protocol !== 'http:' || !LOOPBACK.has(target.hostname)) {
			// The sandbox never talks to anything but this machine.
			this.violate(`webhook ${url} is not an http URL on loopback`);
			return;
		}
		const { webhookCopies, webhookDelayMs } = this.settings;
		const callback = { target, taskId, body: JSON.stringify(payload) };
		for (let copy = 0; copy < webhookCopies; copy++) {
			if (webhookDelayMs === 0) this.attempt(callback, 0);
			else this.later(webhookDelayMs, () => this.attempt(callback, 0));
		}
	}

	/** Drops what is still to be delivered, and forgets what is on its way. */
	clear(): void {
		this.open.clear();
		for (const appointment of this.appointments) appointment.cancel();
		this.appointments.clear();
		this.deliveries.length = 0;
	}

	private later(ms: number, then: () => void): void {
		const appointment = this.time.after(ms, () => {
			this.appointments.delete(appointment);
			then();
		});
		this.appointments.add(appointment);
	}

	private attempt(callback: Callback, tries: number): void {
		const { target, taskId, body } = callback;
		const name = Symbol(taskId);
		this.open.add(name);
		const settle = (status: number | undefined): void => {
			if (!this.open.delete(name)) return;
			this.deliveries.push({ taskId, status });
			const delay = this.settings.webhookRetriesMs[tries];
			if ((status !== undefined && status >= 200 && status < 300) || delay === undefined) return;
			this.later(delay, () => this.attempt(callback, tries + 1));
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
				settle(response.statusCode);
			},
		);
		outgoing.on('timeout', () => outgoing.destroy());
		outgoing.on('error', () => settle(undefined));
		outgoing.on('close', () => settle(undefined));
		outgoing.end(body);
	}
}
