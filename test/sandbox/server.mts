/** Puts the sandbox together. */
import { fastify, type FastifyInstance } from 'fastify';
import type { AddressInfo, Socket } from 'node:net';

import { sandboxAgents } from './agents/index.mts';
import type { SandboxAgent } from './agents/agentTypes.mts';
import { problem } from './http/answers.mts';
import { formApps } from './apps/formApps.mts';
import { sandboxApps } from './apps/sandboxApps.mts';
import { storeApps } from './apps/storeApps.mts';
import { Catalogue } from './apps/catalogue.mts';
import { Faults } from './http/faults.mts';
import { FileStore } from './files/files.mts';
import { newId, timestamp } from './util/ids.mts';
import { Pipeline } from './http/pipeline.mts';
import type { Route } from './http/routes.mts';
import type { SessionState } from './tasks/sessions.mts';
import { CANCELLED, COMPLETED, FAILED } from './tasks/status.mts';
import type {
	Fault,
	RecordedRequest,
	SandboxApp,
	SandboxChatView,
	SandboxFileView,
	SandboxFlowRunView,
	SandboxRunView,
	SandboxSettings,
	SandboxTaskView,
	WebhookDelivery,
} from './types.mts';
import { Timetable } from './timetable.mts';
import { Webhooks } from './tasks/webhooks.mts';
import { Workspace, Workspaces } from './workspace.mts';

/** What one workspace has, and the only key that sees it. */
export interface SandboxWorkspace {
	readonly apiKey: string;
	tasks(): readonly SandboxTaskView[];
	/** Tasks that have not ended. */
	running(): readonly SandboxTaskView[];
	/** Chats, oldest first. */
	chats(): readonly SandboxChatView[];
	/** What agents have done: one for each message that was taken up, by chat. */
	agentRuns(): readonly SandboxRunView[];
}

/** A running stand-in of the API. Its own key is that of one workspace; there can be more. */
export interface Sandbox extends SandboxWorkspace {
	/** `http://127.0.0.1:<port>` */
	readonly url: string;
	readonly requests: readonly RecordedRequest[];
	/** How many requests were recorded for a method and path (exact, or a pattern). */
	count(method: string, path: RegExp | string): number;
	/**
	 * The workspace of another key: with the same apps and agents, but tasks, sessions, chats and
	 * limits of its own. It is there until the sandbox is reset.
	 */
	workspace(apiKey: string): SandboxWorkspace;
	/** Files that were uploaded or made by apps. */
	files(): readonly SandboxFileView[];
	/** Adds a text file that was uploaded so many ms ago, and returns its id. */
	addFile(filename: string, ageMs: number): string;
	/** Ends a task, usually one of the `manual` app. */
	finishTask(
		id: string,
		outcome?: { status?: 'completed' | 'failed' | 'cancelled'; output?: unknown; error?: string },
	): void;
	/** Runs of flows, oldest first. */
	flowRuns(): readonly SandboxFlowRunView[];
	/** Ends the run of a flow, usually of the `manual` one. */
	finishFlowRun(id: string, status?: 'completed' | 'failed' | 'cancelled', output?: unknown): void;
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
	/** Makes a chat that belongs to another team, and returns its id. */
	foreignChat(status?: 403 | 404 | 410): string;
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
	/** What was created lately is known everywhere from now on; see `replicaLag`. */
	catchUp(): void;
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
	/** Called when a request has arrived, before it is handled. */
	onRequest?: () => void;
	/** Apps besides the catalogue's own; the same namespace and name replaces. */
	apps?: readonly SandboxApp[];
	/** Leaves what is there for tests out of the lists of apps and agents. */
	showcase?: boolean;
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
	timesAs: 'zoned',
	stampsLateMs: 0,
	dateHeader: true,
	inputsAs: 'sent',
	hiddenFields: [],
	replicaLag: 0,
	cancelAnswer: 'null',
	cancelOfEnded: 200,
	stopOfEnded: 409,
	unknownFilters: [],
	listCursors: 'ids',
	listPreloads: 'app',
	costAfterMs: 0,
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
	filesUrl: undefined,
	record: true,
	recordBodies: true,
};

function parseJson(text: string): unknown {
	// Some clients send the JSON content type with no body at all.
	return text.trim() === '' ? undefined : JSON.parse(text);
}

/** Starts a sandbox on loopback. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
	const {
		port = 0,
		apps = [],
		agents = [],
		showcase = false,
		onRequest = () => {},
		...initial
	} = options;
	const settings: SandboxSettings = { ...DEFAULTS, ...initial };
	const requests: RecordedRequest[] = [];
	const violations: string[] = [];
	const sockets = new Set<Socket>();
	let opened = 0;
	let url = '';

	const clock = (epochMs: number): string => {
		const told = timestamp(epochMs + settings.clockSkewMs - settings.stampsLateMs);
		return settings.timesAs === 'bare' ? told.slice(0, -1) : told;
	};
	const violate = (what: string): void => void violations.push(what);

	const forTests = <T,>(fixture: T): T & { unlisted: boolean } => ({
		...fixture,
		unlisted: showcase,
	});

	const time = new Timetable();
	const faults = new Faults();
	const files = new FileStore(() => settings.filesUrl ?? url, clock, violate, API_KEY);
	const catalogue = new Catalogue(
		[...[...sandboxApps, ...formApps].map(forTests), ...storeApps, ...apps],
		clock,
	);
	const webhooks = new Webhooks(time, settings, violate);
	const open = (apiKey: string): Workspace =>
		new Workspace(apiKey, {
			time,
			settings,
			catalogue,
			files,
			webhooks,
			clock,
			agents: [...sandboxAgents.map(forTests), ...agents],
		});
	const workspaces = new Workspaces(API_KEY, open);
	const own = workspaces.first;

	const app = buildServer(
		new Pipeline({ time, settings, workspaces, faults, requests, onRequest }),
		own.routes,
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
		workspaces.clear();
		webhooks.clear();
		files.clear();
		faults.clear();
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
		tasks: own.tasks,
		running: own.running,
		workspace: (apiKey) => workspaces.of(apiKey),
		files: () => files.all(),
		addFile: (filename, ageMs) => files.addOld(filename, ageMs),
		finishTask(id, outcome = {}) {
			const { status = 'completed', output = {}, error } = outcome;
			const number = { completed: COMPLETED, failed: FAILED, cancelled: CANCELLED }[status];
			const reason = status === 'failed' ? (error ?? 'failed by the test') : error;
			const { tasks, task } = workspaces.task(id);
			tasks.settle(task, number, output, reason);
		},
		flowRuns: () => own.flows.views(),
		finishFlowRun: (id, status = 'completed', output = {}) => own.flows.end(id, status, output),
		pushTask(id, { status, logs, logType, output, delta }) {
			const { tasks, task } = workspaces.task(id);
			tasks.update(task, {
				...(status === undefined ? {} : { status }),
				...(logs === undefined ? {} : { log: logs }),
				...(logType === undefined ? {} : { logType }),
				...(output === undefined ? {} : { output }),
				...(delta === undefined ? {} : { delta }),
			});
		},
		chats: own.chats,
		agentRuns: own.agentRuns,
		foreignChat: (status = 404) => own.chat.foreign(status),
		foreignTask(status = 404) {
			const id = newId();
			own.foreign.set(id, status);
			return id;
		},
		setSession: (id, state) => own.sessions.set(id, state),
		fault: (fault) => faults.add(fault),
		clearFaults: () => faults.clear(),
		configure(changes) {
			Object.assign(settings, changes);
			for (const { service } of workspaces.all()) service.schedule();
		},
		hold: () => time.hold(),
		release: () => time.release(),
		advance: (ms) => time.advance(ms),
		keepUp: (ms) => time.keepUp(ms),
		catchUp() {
			for (const { lag } of workspaces.all()) lag.catchUp();
		},
		webhookDeliveries: () => webhooks.deliveries,
		connections: () => ({ opened, open: sockets.size }),
		violations: () => violations,
		apps: () => [...catalogue.entries()].map(({ ref }) => ref),
		agents: () => own.chat.refs(),
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
