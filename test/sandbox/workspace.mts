/** What belongs to one key: tasks, sessions, chats, and a limit of its own on requests. */
import { accountRoutes } from './account.mts';
import type { SandboxAgent } from './agents/agentTypes.mts';
import type { Catalogue } from './apps/catalogue.mts';
import { chatService, type ChatService } from './chats/chatService.mts';
import type { FileStore } from './files/files.mts';
import { knowledgeRoutes } from './knowledge.mts';
import { FlowRuns } from './flows/flowRuns.mts';
import { RateLimiter } from './http/limits.mts';
import { ReplicaLag } from './http/replicaLag.mts';
import type { Route } from './http/routes.mts';
import { completionRoutes } from './openai/completions.mts';
import { Sessions } from './tasks/sessions.mts';
import { COMPLETED, isTerminal, statusName } from './tasks/status.mts';
import { taskRoutes } from './tasks/taskRoutes.mts';
import { Tasks, taskView, type Task } from './tasks/tasks.mts';
import { TaskWire } from './tasks/taskWire.mts';
import type { Webhooks } from './tasks/webhooks.mts';
import type { Timetable } from './timetable.mts';
import type { SandboxSettings, SandboxTaskView } from './types.mts';

/** What all workspaces of a sandbox share. */
export interface WorkspaceEnvironment {
	readonly time: Timetable;
	readonly settings: SandboxSettings;
	readonly catalogue: Catalogue;
	readonly agents: readonly SandboxAgent[];
	readonly files: FileStore;
	readonly webhooks: Webhooks;
	readonly clock: (epochMs: number) => string;
}

export class Workspace {
	readonly apiKey: string;
	readonly limiter = new RateLimiter();
	readonly lag: ReplicaLag;
	readonly sessions: Sessions;
	readonly service: Tasks;
	readonly chat: ChatService;
	readonly flows: FlowRuns;
	/** Tasks of other teams, and how requests for them end. */
	readonly foreign = new Map<string, 403 | 404>();
	/** The same ones, in the same order, in every workspace. */
	readonly routes: readonly Route[];

	constructor(apiKey: string, environment: WorkspaceEnvironment) {
		const { time, settings, catalogue, agents, files, webhooks, clock } = environment;
		this.apiKey = apiKey;
		const lag = new ReplicaLag(settings);
		this.lag = lag;
		const wire = new TaskWire(catalogue, clock, settings);
		const sessions = new Sessions(clock);
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
		this.sessions = sessions;
		this.service = tasks;
		this.chat = chatService({ time, settings, files, clock, lag, agents });
		this.flows = new FlowRuns({ time, settings, files, clock, lag });
		this.routes = [
			...taskRoutes({ settings, catalogue, sessions, tasks, wire, lag, foreign: this.foreign }),
			...catalogue.routes(),
			...completionRoutes({ settings, catalogue, tasks }),
			...this.chat.routes,
			...sessions.routes(),
			...files.routes(),
			...knowledgeRoutes(),
			...this.flows.routes(),
			...accountRoutes({
				settings,
				clock,
				startedAt: Date.now(),
				runningTasks: () => this.running().length,
				submittedTasks: () => this.tasks().length,
				spent: () => this.spent(),
			}),
		];
	}

	/** What has completed costs what its app does. */
	private spent(): Array<readonly [app: string, cost: number]> {
		return [...this.service.all()]
			.filter(({ status }) => status === COMPLETED)
			.map(({ entry: { ref, app } }) => {
				const { price = 0 } = app;
				return [ref, typeof price === 'number' ? price : price[0]] as const;
			});
	}

	readonly tasks = (): SandboxTaskView[] => [...this.service.all()].map(taskView);

	readonly running = (): SandboxTaskView[] => {
		const unended = (task: Task) => !isTerminal(task.status);
		return [...this.service.all()].filter(unended).map(taskView);
	};

	readonly chats = (): ReturnType<ChatService['chats']> => this.chat.chats();

	readonly agentRuns = (): ReturnType<ChatService['runs']> => this.chat.runs();

	clear(): void {
		this.service.clear();
		this.foreign.clear();
		this.chat.clear();
		this.sessions.clear();
		this.flows.clear();
		this.limiter.reset();
		this.lag.catchUp();
	}
}

/** All workspaces of a sandbox, by what their keys make of the `Authorization` header. */
export class Workspaces {
	private readonly own: Workspace;
	private readonly open: (apiKey: string) => Workspace;
	private readonly byHeader = new Map<string | undefined, Workspace>();

	/** @param open makes the workspace of a key */
	constructor(own: string, open: (apiKey: string) => Workspace) {
		this.open = open;
		this.own = this.of(own);
	}

	/** The workspace of a key; a new one if it has none yet. */
	of(apiKey: string): Workspace {
		const header = `Bearer ${apiKey}`;
		const known = this.byHeader.get(header) ?? this.open(apiKey);
		this.byHeader.set(header, known);
		return known;
	}

	/** The sandbox's own one. */
	get first(): Workspace {
		return this.own;
	}

	all(): Workspace[] {
		return [...this.byHeader.values()];
	}

	/** Who asks; undefined if the key is none of theirs. */
	find(authorization: string | undefined): Workspace | undefined {
		return this.byHeader.get(authorization);
	}

	/** A route of the first one as the asking one has it. */
	routeOf(workspace: Workspace, route: Route): Route {
		if (workspace === this.own) return route;
		return workspace.routes[this.own.routes.indexOf(route)] ?? route;
	}

	/** The task with an id, and where it runs. */
	task(id: string): { readonly tasks: Tasks; readonly task: Task } {
		for (const { service: tasks } of this.all()) {
			const task = tasks.get(id);
			if (task) return { tasks, task };
		}
		throw new Error(`there is no task ${id}`);
	}

	/** Empties the first one, and forgets the others. */
	clear(): void {
		for (const workspace of this.all()) workspace.clear();
		this.byHeader.clear();
		this.byHeader.set(`Bearer ${this.own.apiKey}`, this.own);
	}
}
