/** Flows and their runs: the state behind the routes, and the routes. */
import { data, notFound, problem, type Answer } from '../http/answers.mts';
import { cursorList } from '../http/lists.mts';
import type { ReplicaLag } from '../http/replicaLag.mts';
import type { Call, Route } from '../http/routes.mts';
import { negotiate, StreamWriter, type StreamMessage } from '../http/streams.mts';
import { validate } from '../apps/schemas.mts';
import { TEAM_ID } from '../files/files.mts';
import type { Timetable } from '../timetable.mts';
import type { JobFiles, SandboxFlowRunView, SandboxSettings } from '../types.mts';
import { newId, shortId } from '../util/ids.mts';
import { asRecord, text } from '../util/values.mts';
import { sandboxFlows, type NodeState, type SandboxFlow } from './catalogue.mts';

const RUNNING = 2;
const COMPLETED = 3;
const FAILED = 4;
const CANCELLED = 5;
const NAMES = ['unknown', 'pending', 'running', 'completed', 'failed', 'cancelled'];
const NOT_YET = '0001-01-01T00:00:00Z';

interface FlowEntry {
	readonly flow: SandboxFlow;
	readonly id: string;
	readonly versionId: string;
	readonly createdAt: number;
}

interface FlowRun {
	readonly id: string;
	readonly taskId: string;
	readonly entry: FlowEntry;
	readonly input: unknown;
	readonly createdAt: number;
	readonly nodes: Map<string, NodeState>;
	readonly watchers: Set<(message: StreamMessage) => void>;
	updatedAt: number;
	status: number;
	output: unknown;
	error: string | undefined;
	finishedAt: number | undefined;
}

interface FlowContext {
	readonly time: Timetable;
	readonly settings: SandboxSettings;
	readonly files: JobFiles;
	readonly clock: (epochMs: number) => string;
	readonly lag: ReplicaLag;
}

export class FlowRuns {
	private readonly context: FlowContext;
	private readonly flows: readonly FlowEntry[];
	private readonly runs = new Map<string, FlowRun>();

	constructor(context: FlowContext) {
		this.context = context;
		const createdAt = Date.now() - 86_400_000;
		this.flows = sandboxFlows.map((flow) => {
			return { flow, id: newId(), versionId: newId(), createdAt };
		});
	}

	clear(): void {
		this.runs.clear();
	}

	views(): SandboxFlowRunView[] {
		return [...this.runs.values()].map(({ id, entry, input, status, taskId }) => {
			return { id, flow: `sandbox/${entry.flow.name}`, input, status: NAMES[status] ?? '', taskId };
		});
	}

	/** Ends a run, whatever it does. */
	end(id: string, status: 'completed' | 'failed' | 'cancelled', output: unknown): void {
		const run = this.runs.get(id);
		if (!run) throw new Error(`there is no flow run ${id}`);
		this.settle(
			run,
			NAMES.indexOf(status),
			output,
			status === 'failed' ? 'failed by the test' : '',
		);
	}

	private find(asked: string): FlowEntry | undefined {
		return this.flows.find(({ id, flow }) => id === asked || `sandbox/${flow.name}` === asked);
	}

	private settle(run: FlowRun, status: number, output: unknown, error = ''): void {
		if (run.status > RUNNING) return;
		run.finishedAt = Date.now();
		this.change(run, { status, output, error: error === '' ? undefined : error });
	}

	private change(run: FlowRun, change: Partial<FlowRun>): void {
		Object.assign(run, change, { updatedAt: Date.now() });
		const terminal = run.status > RUNNING;
		const told: StreamMessage = terminal
			? { data: this.dto(run), terminal }
			: { data: this.dto(run) };
		for (const watcher of run.watchers) watcher(told);
	}

	private start(entry: FlowEntry, input: unknown): FlowRun {
		const now = Date.now();
		const run: FlowRun = {
			id: newId(),
			taskId: newId(),
			entry,
			input,
			createdAt: now,
			updatedAt: now,
			nodes: new Map(entry.flow.nodes.map((node) => [node, 'pending'])),
			watchers: new Set(),
			status: RUNNING,
			output: null,
			error: undefined,
			finishedAt: undefined,
		};
		this.runs.set(run.id, run);
		this.context.lag.created(run.id);
		const { time, files } = this.context;
		const work = entry.flow.run;
		if (work) {
			time.after(1, () => {
				work({
					input: asRecord(input),
					files,
					after: (ms, then) => void time.after(ms, () => run.status === RUNNING && then()),
					node: (id, state) => {
						run.nodes.set(id, state);
						this.change(run, {});
					},
					finish: (output) => this.settle(run, COMPLETED, output),
					fail: (error) => this.settle(run, FAILED, null, error),
				});
			});
		}
		return run;
	}

	/** FlowRunDTO; the states of the nodes only when the run itself is asked for. */
	private dto(run: FlowRun): Record<string, unknown> {
		const { clock, settings } = this.context;
		const { entry, status, error, finishedAt } = run;
		return {
			id: run.id,
			created_at: clock(run.createdAt),
			updated_at: clock(run.updatedAt),
			user_id: 'user_sandbox',
			team_id: TEAM_ID,
			flow_id: entry.id,
			flow_version_id: entry.versionId,
			task_id: run.taskId,
			status: settings.statusAs === 'number' ? status : NAMES[status],
			input: settings.inputsAs === 'hidden' ? null : run.input,
			output: run.output,
			...(error === undefined ? {} : { error }),
			node_tasks: null,
			flow_run_started: clock(run.createdAt),
			flow_run_finished: finishedAt === undefined ? NOT_YET : clock(finishedAt),
		};
	}

	private whole(run: FlowRun): Record<string, unknown> {
		return { ...this.dto(run), node_statuses: Object.fromEntries(run.nodes), node_outputs: null };
	}

	private flowDto({ flow, id, versionId, createdAt }: FlowEntry): Record<string, unknown> {
		const at = this.context.clock(createdAt);
		const { name, title, description, input, output } = flow;
		return {
			id,
			created_at: at,
			updated_at: at,
			team_id: TEAM_ID,
			namespace: 'sandbox',
			name,
			title,
			description,
			version_id: versionId,
			version: {
				id: versionId,
				short_id: shortId(versionId),
				input_schema: input,
				output_schema: output,
			},
		};
	}

	private stream(run: FlowRun, call: Call): Answer {
		const { settings } = this.context;
		return {
			kind: 'stream',
			open: (response, fault) => {
				let unwatch = (): void => {};
				const writer = new StreamWriter(response, {
					format: negotiate(call.headers['accept'], settings.streamFormat),
					sseEvents: settings.sseEvents,
					heartbeatMs: settings.heartbeatMs,
					fault,
					onClose: () => unwatch(),
				});
				writer.open();
				const ended = run.status > RUNNING;
				writer.send(ended ? { data: this.dto(run), terminal: true } : { data: this.dto(run) });
				if (ended) writer.end();
				const watcher = (message: StreamMessage): void => {
					writer.send(message);
					if (message.terminal) writer.end();
				};
				if (!ended) run.watchers.add(watcher);
				unwatch = () => void run.watchers.delete(watcher);
				writer.startHeartbeats();
			},
		};
	}

	private create(call: Call): Answer {
		const body = asRecord(call.body);
		// A name is no id: the service takes ids only.
		const entry = this.flows.find(({ id }) => id === text(body['flow']));
		if (!entry) return notFound('flow');
		const invalid = validate(entry.flow.input, body['input'] ?? {});
		if (invalid) return problem(422, 'validation_failed', `input validation failed: ${invalid}`);
		return data(this.dto(this.start(entry, body['input'] ?? {})));
	}

	private withRun(handle: (run: FlowRun, call: Call) => Answer): Route['handle'] {
		return (call) => {
			const run = this.runs.get(call.params['id'] ?? '');
			return run && !this.context.lag.hides(run.id) ? handle(run, call) : notFound('flow run');
		};
	}

	routes(): Route[] {
		const one = (entry: FlowEntry | undefined): Answer =>
			entry ? data(this.flowDto(entry)) : notFound('flow');
		return [
			{
				method: 'POST',
				url: '/flows/list',
				handle: ({ body }) =>
					cursorList(this.flows, body, {
						id: ({ id }) => id,
						row: (entry) => this.flowDto(entry),
						dto: (entry) => this.flowDto(entry),
						text: ({ flow }) => `${flow.name} ${flow.title} ${flow.description}`,
					}),
			},
			{
				method: 'GET',
				url: '/flows/:id',
				handle: ({ params }) => one(this.find(params['id'] ?? '')),
			},
			{
				method: 'GET',
				url: '/flows/:id/:name',
				handle: ({ params }) => one(this.find(`${params['id']}/${params['name']}`)),
			},
			{ method: 'POST', url: '/flowruns', submits: true, handle: (call) => this.create(call) },
			{
				method: 'POST',
				url: '/flowruns/list',
				handle: ({ body }) =>
					cursorList(this.runs.values(), body, {
						id: ({ id }) => id,
						row: (run) => ({ ...this.dto(run), status: run.status }),
						dto: (run) => this.dto(run),
						value: (field, value) => {
							const number = NAMES.indexOf(text(value));
							return field === 'status' && number >= 0 ? number : value;
						},
					}),
			},
			{ method: 'GET', url: '/flowruns/:id', handle: this.withRun((run) => data(this.whole(run))) },
			{
				method: 'POST',
				url: '/flowruns/:id/cancel',
				handle: this.withRun((run) => {
					this.settle(run, CANCELLED, null);
					return data(null);
				}),
			},
			{
				method: 'GET',
				url: '/flowruns/:id/stream',
				handle: this.withRun((run, call) => this.stream(run, call)),
			},
		];
	}
}
