/** Puts the sandbox together. */
import { fastify, type FastifyInstance } from 'fastify';
import type { AddressInfo, Socket } from 'node:net';

import { accountRoutes } from './account.mts';
import { sandboxAgents } from './agents/index.mts';
import type { SandboxAgent } from './agents/agentTypes.mts';
import { problem } from './http/answers.mts';
import { formApps } from './apps/formApps.mts';
import { sandboxApps } from './apps/sandboxApps.mts';
import { storeApps } from './apps/storeApps.mts';
import { Catalogue } from './apps/catalogue.mts';
import { chatService } from './chats/chatService.mts';
import { Faults } from './http/faults.mts';
import { FileStore } from './files/files.mts';
import { newId, timestamp } from './util/ids.mts';
import { RateLimiter } from './http/limits.mts';
import { Pipeline } from './http/pipeline.mts';
import type { Route } from './http/routes.mts';
import { Sessions, type SessionState } from './tasks/sessions.mts';
import { CANCELLED, COMPLETED, FAILED, isTerminal, statusName } from './tasks/status.mts';
import { taskRoutes } from './tasks/taskRoutes.mts';
import { TaskWire } from './tasks/taskWire.mts';
import { Tasks, taskView, type Task } from './tasks/tasks.mts';
import type {
	Fault,
	RecordedRequest,
	SandboxApp,
	SandboxChatView,
	SandboxFileView,
	SandboxRunView,
	SandboxSettings,
	SandboxTaskView,
	WebhookDelivery,
} from './types.mts';
import { Timetable } from './timetable.mts';
import { Webhooks } from './tasks/webhooks.mts';

/** A running stand-in of the API. */
export interface Sandbox {
	/** `http://127.0.0.1:<port>` */
	readonly url: string;
	readonly apiKey: string;
	readonly requests: readonly RecordedRequest[];
	/** How many requests were recorded for a method and path (exact, or a pattern). */
	count(method: string, path: RegExp | string): number;
	tasks(): readonly SandboxTaskView[];
	/** Tasks that have not ended. */
	running(): readonly SandboxTaskView[];
	/** Files that were uploaded or made by apps. */
	files(): readonly SandboxFileView[];
	/** Ends a task, usually one of the `manual` app. */
	finishTask(
		id: string,
		outcome?: { status?: 'completed' | 'failed' | 'cancelled'; output?: unknown; error?: string },
	): void;
	/** Publishes a partial of a running task; `logs` is appended. */
	pushTask(
		id: string,
		change: {
			status?: string;
			logs?: string;
			/** Default 1. */
			logType?: number;
			output?: unknown;
			delta?: unknown;
		},
	): void;
	/** Makes the id of a task that belongs to another team, and says how requests for it end. */
	foreignTask(status?: 403 | 404): string;
	/** Chats, oldest first. */
	chats(): readonly SandboxChatView[];
	/** What agents have done: one for each message that was taken up, by chat. */
	agentRuns(): readonly SandboxRunView[];
	/** Makes a chat that belongs to another team, and returns its id. */
	foreignChat(status?: 403 | 404): string;
	/** Puts a session into a state, as a lost or leased worker or the end of time would. */
	setSession(id: string, state: SessionState): void;
	fault(fault: Fault): void;
	clearFaults(): void;
	configure(settings: Partial<SandboxSettings>): void;
	/**
	 * Stops the sandbox's time: whatever takes time (tasks, agents, delayed answers, webhooks that
	 * come later) stays where it is. Requests are answered, heartbeats and timestamps go on.
	 */
	hold(): void;
	/** Makes held time pass at once, in ms: what is due meanwhile happens now, in order. */
	advance(ms: number): void;
	/** For tests that do not wait: so many ms have passed for them, and pass here unless time is held. */
	keepUp(ms: number): void;
	/** Lets held time run again: everything takes as long as it had left. */
	release(): void;
	/** Attempts to call webhooks, in the order of their answers. */
	webhookDeliveries(): readonly WebhookDelivery[];
	/** TCP connections accepted so far, and those open now. */
	connections(): { opened: number; open: number };
	/** Things a client must never do, e.g. send the key to a download URL. */
	violations(): readonly string[];
	/** Refs of the catalogue's apps, the workspace's first. */
	apps(): readonly string[];
	/** Refs of the saved agents. */
	agents(): readonly string[];
	/** Forgets tasks, sessions, files, requests, faults and changed settings. */
	reset(): void;
	/** Ends everything at once, open streams included. */
	close(): Promise<void>;
}

export interface SandboxOptions extends Partial<SandboxSettings> {
	/** Default: any free one. */
	port?: number;
	/** Apps besides the catalogue's own; the same namespace and name replaces. */
	apps?: readonly SandboxApp[];
	/** Saved agents besides the sandbox's own; the same namespace and name replaces. */
	agents?: readonly SandboxAgent[];
}

export const API_KEY = 'inf_sandbox';
const JSON_LIMIT = 64 * 1024 * 1024;
const UPLOAD_LIMIT = 8 * 1024 * 1024 * 1024;

const DEFAULTS: Readonly<SandboxSettings> = {
	latencyMs: 0,
	schedulerLimit: Infinity,
	rateLimit: undefined,
	heartbeatMs: 10_000,
	envelope: 'v3',
	streamFormat: 'negotiate',
	sseEvents: 'unnamed',
	statusAs: 'number',
	streamClosesAfterTerminal: true,
	streamSnapshotFirst: true,
	logsAs: 'entries',
	partials: 'changed',
	messages: [],
	clockSkewMs: 0,
	listPreloads: 'app',
	webhookRetriesMs: [100, 500, 2000],
	webhookDelayMs: 0,
	webhookCopies: 1,
	agentRuns: 'shown',
	agentStartMs: 1,
	agentDeltas: true,
	argumentsAs: 'text',
	metaAs: 'text',
	contentAs: 'blocks',
	emptyListsAs: 'null',
	chatStreamClosesAfterTurn: false,
	messagesOldestFirst: false,
	staleSnapshot: undefined,
	record: true,
	recordBodies: true,
};

function parseJson(text: string): unknown {
	// Some clients send the JSON content type with no body at all.
	return text.trim() === '' ? undefined : JSON.parse(text);
}

/** Starts a sandbox on loopback. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
	const { port = 0, apps = [], agents = [], ...initial } = options;
	const settings: SandboxSettings = { ...DEFAULTS, ...initial };
	const requests: RecordedRequest[] = [];
	const violations: string[] = [];
	const sockets = new Set<Socket>();
	let opened = 0;
	let url = '';

	const clock = (epochMs: number): string => timestamp(epochMs + settings.clockSkewMs);
	const violate = (what: string): void => void violations.push(what);

	const time = new Timetable();
	const faults = new Faults();
	const limiter = new RateLimiter();
	const sessions = new Sessions(clock);
	const files = new FileStore(() => url, clock, violate, API_KEY);
	const catalogue = new Catalogue([...sandboxApps, ...formApps, ...storeApps, ...apps], clock);
	const webhooks = new Webhooks(time, settings, violate);
	const wire = new TaskWire(catalogue, clock, settings);
	const foreign = new Map<string, 403 | 404>();
	const tasks = new Tasks({
		time,
		settings,
		sessions,
		files,
		wire,
		onTerminal(task) {
			const webhook = task.request['webhook'];
			if (typeof webhook !== 'string' || webhook === '') return;
			webhooks.deliver(webhook, task.id, {
				event: `task.${statusName(task.status)}`,
				timestamp: clock(Date.now()),
				data: wire.result(task),
			});
		},
	});
	const chats = chatService({
		...{ time, settings, files, clock },
		agents: [...sandboxAgents, ...agents],
	});
	const views = (): SandboxTaskView[] => [...tasks.all()].map(taskView);
	const unended = (): Task[] => [...tasks.all()].filter(({ status }) => !isTerminal(status));
	const known = (id: string): Task => {
		const task = tasks.get(id);
		if (!task) throw new Error(`there is no task ${id}`);
		return task;
	};

	const routes: Route[] = [
		...taskRoutes({ settings, catalogue, sessions, tasks, wire, foreign }),
		...catalogue.routes(),
		...chats.routes,
		...sessions.routes(),
		...files.routes(),
		...accountRoutes({
			settings,
			clock,
			startedAt: Date.now(),
			runningTasks: () => unended().length,
			submittedTasks: () => views().length,
		}),
	];

	const app = buildServer(
		new Pipeline({ time, settings, apiKey: API_KEY, faults, limiter, requests }),
		routes,
	);
	app.server.on('connection', (socket: Socket) => {
		opened++;
		sockets.add(socket);
		socket.on('close', () => sockets.delete(socket));
	});
	await app.listen({ host: '127.0.0.1', port });
	url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;

	function forget(): void {
		time.release();
		tasks.clear();
		foreign.clear();
		chats.clear();
		sessions.clear();
		webhooks.clear();
		files.clear();
		faults.clear();
		limiter.reset();
		requests.length = 0;
		violations.length = 0;
	}

	return {
		url,
		apiKey: API_KEY,
		requests,
		count: (method, path) =>
			requests.filter(
				(one) =>
					one.method === method &&
					(typeof path === 'string' ? one.path === path : one.path.search(path) >= 0),
			).length,
		tasks: views,
		running: () => unended().map(taskView),
		files: () => files.all(),
		finishTask(id, outcome = {}) {
			const { status = 'completed', output = {}, error } = outcome;
			const number = { completed: COMPLETED, failed: FAILED, cancelled: CANCELLED }[status];
			const reason = status === 'failed' ? (error ?? 'failed by the test') : error;
			tasks.settle(known(id), number, output, reason);
		},
		pushTask(id, { status, logs, logType, output, delta }) {
			tasks.update(known(id), {
				...(status === undefined ? {} : { status }),
				...(logs === undefined ? {} : { log: logs }),
				...(logType === undefined ? {} : { logType }),
				...(output === undefined ? {} : { output }),
				...(delta === undefined ? {} : { delta }),
			});
		},
		chats: () => chats.chats(),
		agentRuns: () => chats.runs(),
		foreignChat: (status = 404) => chats.foreign(status),
		foreignTask(status = 404) {
			const id = newId();
			foreign.set(id, status);
			return id;
		},
		setSession: (id, state) => sessions.set(id, state),
		fault: (fault) => faults.add(fault),
		clearFaults: () => faults.clear(),
		configure(changes) {
			Object.assign(settings, changes);
			tasks.schedule();
		},
		hold: () => time.hold(),
		release: () => time.release(),
		advance: (ms) => time.advance(ms),
		keepUp: (ms) => time.keepUp(ms),
		webhookDeliveries: () => webhooks.deliveries,
		connections: () => ({ opened, open: sockets.size }),
		violations: () => violations,
		apps: () => [...catalogue.entries()].map(({ ref }) => ref),
		agents: () => chats.refs(),
		reset() {
			forget();
			Object.assign(settings, DEFAULTS, initial);
		},
		async close() {
			forget();
			for (const socket of sockets) socket.destroy();
			await app.close();
		},
	};
}

function buildServer(pipeline: Pipeline, routes: readonly Route[]): FastifyInstance {
	const app = fastify({
		logger: false,
		bodyLimit: JSON_LIMIT,
		forceCloseConnections: true,
		exposeHeadRoutes: false,
		routerOptions: { maxParamLength: 500 },
	});
	const register = (scope: FastifyInstance, route: Route): void => {
		scope.route({
			method: route.method,
			url: route.url,
			handler: pipeline.handler(route),
			...(route.method === 'PUT' ? { bodyLimit: UPLOAD_LIMIT } : {}),
		});
	};

	app.removeAllContentTypeParsers();
	app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
		try {
			done(null, parseJson(body as string));
		} catch (error) {
			done(error as Error);
		}
	});
	app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
		try {
			done(null, parseJson(body as string));
		} catch {
			done(null, undefined);
		}
	});
	for (const route of routes) if (route.service !== 'storage') register(app, route);

	// Object storage reads its bodies itself, whatever their type.
	void app.register((scope, _options, done) => {
		scope.removeAllContentTypeParsers();
		scope.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload));
		for (const route of routes) if (route.service === 'storage') register(scope, route);
		done();
	});

	app.setNotFoundHandler((request, reply) => {
		const detail = `no route ${request.method} ${request.url}`;
		pipeline.refuse(request, reply, problem(404, 'not_found', detail));
	});
	app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
		if (reply.sent) return;
		const status = error instanceof SyntaxError ? 400 : (error.statusCode ?? 500);
		const code =
			status === 413 ? 'payload_too_large' : status < 500 ? 'invalid_request' : 'internal_error';
		pipeline.refuse(request, reply, problem(status, code, error.message));
	});
	return app;
}
