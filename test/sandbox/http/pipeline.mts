/** What happens to every request around its handler: recording, faults, the key, limits, sending. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { problem, render, type Answer, type Rendered } from './answers.mts';
import type { Faults, Trouble } from './faults.mts';
import type { Call, Route } from './routes.mts';
import type { Timetable } from '../timetable.mts';
import type { RecordedRequest, SandboxSettings } from '../types.mts';
import type { Workspaces } from '../workspace.mts';

interface PipelineContext {
	readonly time: Timetable;
	readonly settings: SandboxSettings;
	readonly workspaces: Workspaces;
	readonly faults: Faults;
	readonly requests: RecordedRequest[];
	readonly onRequest: () => void;
}

type FastifyHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<void> | undefined;

export class Pipeline {
	private readonly context: PipelineContext;

	constructor(context: PipelineContext) {
		this.context = context;
	}

	/** The fastify handler of a route. */
	handler(route: Route): FastifyHandler {
		const { settings, faults } = this.context;
		return (request, reply) => {
			const call = this.call(request, route.service !== 'storage');
			this.record(call);
			const trouble = faults.take(call);
			if (trouble || settings.latencyMs > 0) return this.slowly(route, call, reply, trouble);
			// The usual way stays synchronous as long as the handler is.
			const answer = this.answer(route, call);
			if (answer instanceof Promise) return answer.then((later) => this.send(later, reply));
			this.send(answer, reply);
			return undefined;
		};
	}

	/** Sends an answer for a request that no route handles. */
	refuse(request: FastifyRequest, reply: FastifyReply, answer: Answer): void {
		this.record(this.call(request, false));
		this.send(answer, reply);
	}

	private call(request: FastifyRequest, withBody: boolean): Call {
		const { url } = request;
		const mark = url.indexOf('?');
		return {
			method: request.method,
			path: mark < 0 ? url : url.slice(0, mark),
			query: mark < 0 ? '' : url.slice(mark + 1),
			params: request.params as Readonly<Record<string, string>>,
			headers: request.headers as Readonly<Record<string, string | undefined>>,
			body: withBody ? request.body : undefined,
			request: request.raw,
		};
	}

	private record(call: Call): void {
		this.context.onRequest();
		const { settings, requests } = this.context;
		if (!settings.record) return;
		const { method, path, query, headers, body } = call;
		requests.push({
			at: Date.now(),
			method,
			path,
			query,
			headers,
			body: settings.recordBodies ? body : undefined,
		});
	}

	/** @param asked the route as the first workspace has it */
	private answer(asked: Route, call: Call): Answer | Promise<Answer> {
		if (asked.service === 'storage') return asked.handle(call);
		const { settings, workspaces } = this.context;
		const { authorization } = call.headers;
		const workspace = workspaces.find(authorization);
		if (!workspace) {
			const detail = authorization === undefined ? 'missing API key' : 'invalid API key';
			return problem(401, 'unauthorized', detail);
		}
		const { limiter } = workspace;
		const route = workspaces.routeOf(workspace, asked);
		const limit = settings.rateLimit;
		if (limit && (route.submits || limit.scope === 'all')) {
			const admitted = limiter.admit(limit, () => Date.now() + settings.clockSkewMs);
			if (isAnswer(admitted)) return admitted;
			const answer = route.handle(call);
			return answer instanceof Promise
				? answer.then((later) => withHeaders(later, admitted))
				: withHeaders(answer, admitted);
		}
		return route.handle(call);
	}

	/** Puts the service's time into an answer. */
	private stamp(reply: FastifyReply): void {
		const { dateHeader, clockSkewMs } = this.context.settings;
		reply.raw.sendDate = dateHeader;
		if (dateHeader) reply.raw.setHeader('date', new Date(Date.now() + clockSkewMs).toUTCString());
	}

	private send(answer: Answer, reply: FastifyReply): void {
		const { settings } = this.context;
		this.stamp(reply);
		if (answer.kind === 'stream') {
			reply.hijack();
			answer.open(reply.raw, undefined);
			return;
		}
		const rendered = render(answer, settings.envelope);
		reply.code(rendered.status);
		if (rendered.contentType !== undefined) reply.header('content-type', rendered.contentType);
		if (rendered.headers) reply.headers(rendered.headers);
		reply.send(answer.kind === 'empty' ? undefined : rendered.body);
	}

	private async slowly(
		route: Route,
		call: Call,
		reply: FastifyReply,
		trouble: Trouble | undefined,
	): Promise<void> {
		const delay = this.context.settings.latencyMs + (trouble?.delayBeforeMs ?? 0);
		if (delay > 0) await this.context.time.sleep(delay);
		const effect = trouble?.effect;
		if (effect) {
			if (effect.kind === 'status') return this.override(reply, effect);
			if (effect.kind === 'body' && effect.when !== 'after') {
				return this.override(reply, { ...effect, status: 200 });
			}
			if ((effect.kind === 'reset' || effect.kind === 'hang') && effect.when === 'before') {
				return this.abandon(reply, effect.kind);
			}
		}
		const answer = await this.answer(route, call);
		if (trouble?.delayAfterMs) await this.context.time.sleep(trouble.delayAfterMs);
		this.stamp(reply);
		if (answer.kind === 'stream' && (effect === undefined || effect.kind === 'dripBody')) {
			reply.hijack();
			answer.open(reply.raw, effect ? { byteByByte: true } : trouble?.stream);
			return;
		}
		switch (effect?.kind) {
			case undefined:
			case 'status':
				return this.send(answer, reply);
			case 'statusAfter':
				return this.override(reply, effect);
			case 'body':
				return this.override(reply, { ...effect, status: 200 });
			case 'reset':
			case 'hang':
				return this.abandon(reply, effect.kind);
			case 'truncate':
			case 'stall':
			case 'dripBody': {
				if (answer.kind === 'stream') return this.abandon(reply, 'reset');
				const rendered = render(answer, this.context.settings.envelope);
				const body = await wholeBody(rendered.body);
				reply.hijack();
				const { 'content-length': _length, ...headers } = rendered.headers ?? {};
				const chunked = effect.kind !== 'dripBody' && effect.chunked;
				reply.raw.writeHead(rendered.status, {
					...(rendered.contentType === undefined ? {} : { 'content-type': rendered.contentType }),
					...headers,
					...(chunked ? {} : { 'content-length': String(body.length) }),
				});
				if (effect.kind === 'dripBody') await drip(reply, body, effect.everyMs);
				else cutOff(reply, body, effect);
			}
		}
	}

	private override(
		reply: FastifyReply,
		answer: {
			readonly status: number;
			readonly body?: string | object;
			readonly contentType?: string;
			readonly headers?: Readonly<Record<string, string>>;
		},
	): void {
		const { status, body } = answer;
		this.stamp(reply);
		const text = typeof body === 'object' ? JSON.stringify(body) : (body ?? '');
		const guess =
			typeof body === 'object'
				? status >= 400 && 'type' in body
					? 'application/problem+json'
					: 'application/json'
				: text.trimStart().startsWith('<')
					? 'text/html'
					: 'text/plain; charset=utf-8';
		// A body that stands in for the real one keeps the content type the client expects.
		const contentType = answer.contentType ?? (status === 200 ? 'application/json' : guess);
		reply.code(status).header('content-type', contentType);
		if (answer.headers) reply.headers(answer.headers);
		reply.send(text);
	}

	private abandon(reply: FastifyReply, how: 'reset' | 'hang'): void {
		reply.hijack();
		if (how === 'reset') reply.raw.socket?.resetAndDestroy();
	}
}

function isAnswer(value: Answer | Record<string, string>): value is Answer {
	return 'kind' in value && 'status' in value;
}

function withHeaders(answer: Answer, headers: Record<string, string>): Answer {
	return answer.kind === 'stream'
		? answer
		: { ...answer, headers: { ...answer.headers, ...headers } };
}

async function wholeBody(body: Rendered['body']): Promise<Buffer> {
	if (!(body instanceof Readable)) return Buffer.from(body);
	return Buffer.concat((await body.toArray()) as Buffer[]);
}

function cutOff(
	reply: FastifyReply,
	body: Buffer,
	{ kind, bytes = Math.floor(body.length / 2) }: Extract<Trouble['effect'], { bytes?: number }>,
): void {
	const { socket } = reply.raw;
	// A clean FIN after the cut: the length alone tells that something is missing.
	reply.raw.write(body.subarray(0, bytes), () => {
		if (kind === 'truncate') socket?.destroySoon();
	});
}

async function drip(reply: FastifyReply, body: Buffer, everyMs: number): Promise<void> {
	const { raw } = reply;
	raw.socket?.setNoDelay(true);
	for (const byte of body) {
		if (raw.destroyed) return;
		raw.write(Buffer.of(byte));
		await sleep(everyMs);
	}
	raw.end();
}
