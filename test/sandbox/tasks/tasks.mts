/** Tasks: their store, the scheduler that runs them and everything that happens to one. */
import type { AppEntry, Target } from '../apps/catalogue.mts';
import { newId } from '../util/ids.mts';
import type { Session, Sessions } from './sessions.mts';
import {
	CANCELLED,
	CANCELLING,
	COMPLETED,
	FAILED,
	isTerminal,
	QUEUED,
	RECEIVED,
	RUNNING,
	statusName,
	statusNumber,
} from './status.mts';
import type { Appointment, Timetable } from '../timetable.mts';
import type { StreamMessage } from '../http/streams.mts';
import type { Job, JobFiles, JobUpdate, SandboxSettings, SandboxTaskView } from '../types.mts';

export interface LogEntry {
	readonly id: string;
	readonly createdAt: number;
	updatedAt: number;
	content: string;
}

export interface Task {
	readonly id: string;
	readonly entry: AppEntry;
	readonly functionName: string;
	/** The request body it was created with. */
	readonly request: Readonly<Record<string, unknown>>;
	readonly session: Session | undefined;
	readonly createdAt: number;
	updatedAt: number;
	status: number;
	output: unknown;
	error: string | undefined;
	readonly events: Array<{ readonly status: number; readonly at: number }>;
	/** By type. */
	logs: Map<number, LogEntry> | undefined;
	seq: number;
	/** Whether it takes one of the scheduler's places. */
	holdsSlot: boolean;
	cancelRequestedAt: number | undefined;
	finishedAt: number | undefined;
	// Made only when needed: most tasks end before anybody watches them.
	appointments: Set<Appointment> | undefined;
	watchers: Set<Watcher> | undefined;
}

const RUN_LOG = 1;

export type Watcher = (message: StreamMessage) => void;

type Changes = Record<string, unknown>;

interface TaskEnvironment {
	readonly time: Timetable;
	readonly settings: SandboxSettings;
	readonly sessions: Sessions;
	readonly files: JobFiles;
	/** Log and other nested DTOs are the wire's business. */
	readonly wire: {
		logs(task: Task): unknown;
		time(epochMs: number): string;
	};
	readonly onTerminal: (task: Task) => void;
}

/** The fields of a partial that did not change, as a Go struct marshals them. */
const ZERO_VALUES: Changes = {
	short_id: '',
	status: 0,
	input: null,
	output: null,
	error: '',
	logs: null,
	events: null,
	usage_events: null,
	session_id: '',
	created_at: '0001-01-01T00:00:00Z',
	updated_at: '0001-01-01T00:00:00Z',
};

class TaskJob implements Job {
	readonly input: Readonly<Record<string, unknown>>;
	readonly setup: unknown;
	readonly functionName: string;
	readonly session: Map<string, unknown> | undefined;
	readonly memory: Map<string, unknown>;
	readonly files: JobFiles;
	private readonly tasks: Tasks;
	private readonly task: Task;

	constructor(tasks: Tasks, task: Task, memory: Map<string, unknown>, files: JobFiles) {
		this.tasks = tasks;
		this.task = task;
		this.input = (task.request['input'] ?? {}) as Readonly<Record<string, unknown>>;
		this.setup = task.request['setup'];
		this.functionName = task.functionName;
		this.session = task.session?.memory;
		this.memory = memory;
		this.files = files;
	}

	after(ms: number, then: () => void): void {
		this.tasks.after(this.task, ms, then);
	}

	update(change: JobUpdate): void {
		this.tasks.update(this.task, change);
	}

	finish(output: unknown): void {
		this.tasks.settle(this.task, COMPLETED, output);
	}

	fail(error: string): void {
		this.tasks.settle(this.task, FAILED, null, error);
	}
}

export class Tasks {
	private readonly byId = new Map<string, Task>();
	private readonly environment: TaskEnvironment;
	/** Waiting for a place; insertion order is the queue's order. */
	private readonly waiting = new Set<Task>();
	private readonly memory = new Map<string, unknown>();
	private busy = 0;
	private drain: NodeJS.Immediate | undefined;

	constructor(environment: TaskEnvironment) {
		this.environment = environment;
	}

	/** Creates a task and hands it to the scheduler; instant apps are done when this returns. */
	submit(
		target: Target,
		request: Readonly<Record<string, unknown>>,
		session: Session | undefined,
	): Task {
		const now = Date.now();
		const task: Task = {
			id: newId(),
			entry: target.entry,
			functionName: target.functionName,
			request,
			session,
			createdAt: now,
			updatedAt: now,
			status: RECEIVED,
			output: null,
			error: undefined,
			events: [{ status: RECEIVED, at: now }],
			logs: undefined,
			seq: 0,
			holdsSlot: false,
			cancelRequestedAt: undefined,
			finishedAt: undefined,
			appointments: undefined,
			watchers: undefined,
		};
		this.byId.set(task.id, task);
		if (session) this.environment.sessions.began(session, task.id);
		if (target.entry.app.instant) {
			this.run(task);
			return task;
		}
		const runAt = typeof request['run_at'] === 'string' ? Date.parse(request['run_at']) : NaN;
		if (runAt > now) this.after(task, runAt - now, () => this.enqueue(task));
		else this.enqueue(task);
		return task;
	}

	get(id: string): Task | undefined {
		return this.byId.get(id);
	}

	all(): Iterable<Task> {
		return this.byId.values();
	}

	delete(task: Task): void {
		this.cancel(task, true);
		this.byId.delete(task.id);
	}

	/** Starts waiting tasks as far as there are places; call when the limit has changed. */
	schedule(): void {
		// Once per turn of the event loop, whatever number of tasks came in.
		this.drain ??= setImmediate(() => {
			this.drain = undefined;
			for (const task of this.waiting) {
				if (task.entry.app.neverStarts || this.busy >= this.environment.settings.schedulerLimit) {
					if (task.status !== QUEUED) this.update(task, { status: QUEUED });
					continue;
				}
				this.waiting.delete(task);
				this.busy++;
				task.holdsSlot = true;
				this.run(task);
			}
		});
	}

	/** Runs something later, unless the task has ended by then. */
	after(task: Task, ms: number, then: () => void): void {
		const appointments = (task.appointments ??= new Set());
		const appointment = this.environment.time.after(ms, () => {
			appointments.delete(appointment);
			then();
		});
		appointments.add(appointment);
	}

	/** Changes a running task and tells its watchers. */
	update(task: Task, change: JobUpdate): void {
		if (isTerminal(task.status)) return;
		const { status, log, logType = RUN_LOG, output, error, delta } = change;
		const now = Date.now();
		task.updatedAt = now;
		const changed: Changes = {};
		if (status !== undefined) {
			const number = statusNumber(status);
			if (isTerminal(number)) {
				this.settle(task, number, output ?? task.output, error);
				return;
			}
			task.status = number;
			task.events.push({ status: number, at: now });
			changed['status'] = number;
		}
		if (log !== undefined) {
			const logs = (task.logs ??= new Map<number, LogEntry>());
			const known = logs.get(logType);
			if (known) {
				known.content += log;
				known.updatedAt = now;
			} else {
				logs.set(logType, { id: newId(), createdAt: now, updatedAt: now, content: log });
			}
			changed['logs'] = undefined; // built below, and only if somebody looks
		}
		if (output !== undefined) {
			task.output = output;
			changed['output'] = output;
		}
		if (error !== undefined) {
			task.error = error;
			changed['error'] = error;
		}
		const { watchers } = task;
		if (!watchers) {
			if (delta !== undefined) task.seq++;
			return;
		}
		if ('logs' in changed) changed['logs'] = this.environment.wire.logs(task);
		if (Object.keys(changed).length > 0) this.publish(watchers, this.partial(task, changed));
		if (delta !== undefined) {
			this.publish(watchers, { event: 'delta', data: { delta, seq: ++task.seq } });
		}
	}

	/** Brings a task to its end; whatever comes after that is ignored. */
	settle(task: Task, status: number, output: unknown, error?: string): void {
		if (isTerminal(task.status)) return;
		const now = Date.now();
		task.status = status;
		task.updatedAt = now;
		task.finishedAt = now;
		task.events.push({ status, at: now });
		const changed: Changes = { status };
		if (status === COMPLETED) {
			task.output = output;
			changed['output'] = output;
		}
		if (error !== undefined) {
			task.error = error;
			changed['error'] = error;
		}
		this.cancelAppointments(task);
		this.waiting.delete(task);
		if (task.holdsSlot) {
			task.holdsSlot = false;
			this.busy--;
			if (this.waiting.size > 0) this.schedule();
		}
		if (task.session) this.environment.sessions.settled(task.session);
		const { watchers } = task;
		if (watchers) {
			const bare: StreamMessage = {
				...this.partial(task, { status }),
				terminal: true,
			};
			this.publish(
				watchers,
				task.entry.app.bareTerminalLine
					? bare
					: { ...this.partial(task, changed), terminal: true, bare },
			);
			task.watchers = undefined;
		}
		this.environment.onTerminal(task);
	}

	/** Asks a task to stop; `force` skips the app's own good time. */
	cancel(task: Task, force: boolean, timeoutMs = 10_000): void {
		if (isTerminal(task.status)) return;
		task.cancelRequestedAt ??= Date.now();
		if (force || !task.holdsSlot) {
			this.settle(task, CANCELLED, null);
			return;
		}
		if (task.status === CANCELLING) return;
		this.cancelAppointments(task);
		this.update(task, { status: CANCELLING });
		const { ms = 1, completesWith } = task.entry.app.cancel ?? {};
		this.after(task, Math.min(ms, timeoutMs), () => {
			if (completesWith === undefined) this.settle(task, CANCELLED, null);
			else this.settle(task, COMPLETED, completesWith);
		});
	}

	/** Calls `watcher` for each update until the task ends or the returned function is called. */
	watch(task: Task, watcher: Watcher): () => void {
		const watchers = (task.watchers ??= new Set());
		watchers.add(watcher);
		return () => watchers.delete(watcher);
	}

	/** Resolves when the task has ended. */
	ended(task: Task): Promise<void> {
		if (isTerminal(task.status)) return Promise.resolve();
		return new Promise((resolve) => {
			this.watch(task, (message) => {
				if (message.terminal) resolve();
			});
		});
	}

	/** Forgets everything at once. */
	clear(): void {
		if (this.drain) clearImmediate(this.drain);
		this.drain = undefined;
		for (const task of this.byId.values()) this.cancelAppointments(task);
		this.byId.clear();
		this.waiting.clear();
		this.memory.clear();
		this.busy = 0;
	}

	private cancelAppointments(task: Task): void {
		for (const appointment of task.appointments ?? []) appointment.cancel();
		task.appointments = undefined;
	}

	private enqueue(task: Task): void {
		this.waiting.add(task);
		this.schedule();
	}

	private run(task: Task): void {
		if (isTerminal(task.status)) return;
		this.update(task, { status: RUNNING });
		const job = new TaskJob(this, task, this.memory, this.environment.files);
		try {
			task.entry.app.run(job);
		} catch (error) {
			job.fail(error instanceof Error ? error.message : String(error));
		}
	}

	private publish(watchers: Set<Watcher>, message: StreamMessage): void {
		for (const watcher of watchers) watcher(message);
	}

	private partial(task: Task, changes: Changes): StreamMessage {
		const changed: Changes = {
			...changes,
			updated_at: this.environment.wire.time(task.updatedAt),
		};
		const zeroed = this.environment.settings.partials === 'zeroed';
		return {
			data: { ...(zeroed ? ZERO_VALUES : undefined), id: task.id, ...changed },
			fields: Object.keys(changed),
		};
	}
}

/** A task as tests see it. */
export function taskView(task: Task): SandboxTaskView {
	const started = task.events.find(({ status }) => status === RUNNING);
	return {
		id: task.id,
		app: task.entry.ref,
		status: statusName(task.status),
		input: task.request['input'],
		request: task.request,
		createdAt: task.createdAt,
		version: task.entry.versionId,
		output: task.output,
		function: task.functionName,
		...(task.session ? { sessionId: task.session.id } : {}),
		...(task.cancelRequestedAt === undefined ? {} : { cancelRequestedAt: task.cancelRequestedAt }),
		...(started ? { startedAt: started.at } : {}),
		...(task.finishedAt === undefined ? {} : { finishedAt: task.finishedAt }),
	};
}
