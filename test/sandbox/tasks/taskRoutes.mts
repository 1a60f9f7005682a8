/** The routes of tasks: submit, look, follow, cancel, list. */
import { data, notFound, problem, type Answer } from '../http/answers.mts';
import type { Catalogue } from '../apps/catalogue.mts';
import { cursorList } from '../http/lists.mts';
import type { Call, Route } from '../http/routes.mts';
import { validate } from '../apps/schemas.mts';
import type { Session, Sessions } from './sessions.mts';
import {
	CANCELLED,
	CANCELLING,
	COMPLETED,
	isTerminal,
	statusName,
	statusNumber,
} from './status.mts';
import type { ReplicaLag } from '../http/replicaLag.mts';
import { negotiate, StreamWriter, type StreamMessage } from '../http/streams.mts';
import type { Task, Tasks } from './tasks.mts';
import type { TaskWire } from './taskWire.mts';
import type { SandboxSettings } from '../types.mts';
import { asRecord, isRecord } from '../util/values.mts';

interface TaskRoutesContext {
	readonly settings: SandboxSettings;
	readonly catalogue: Catalogue;
	readonly sessions: Sessions;
	readonly tasks: Tasks;
	readonly wire: TaskWire;
	readonly lag: ReplicaLag;
	/** Tasks of other teams, and how requests for them end. */
	readonly foreign: ReadonlyMap<string, 403 | 404>;
}

type Body = Readonly<Record<string, unknown>>;

/** The task routes over one service's state. */
export function taskRoutes(context: TaskRoutesContext): Route[] {
	const { settings, catalogue, sessions, tasks, wire, lag, foreign } = context;

	function session(body: Body, appId: string, versionId: string): Session | Answer | undefined {
		const wanted = body['session'];
		if (typeof wanted !== 'string' || wanted === '') return undefined;
		return wanted === 'new'
			? sessions.start(appId, versionId, body['session_timeout'])
			: sessions.use(wanted, appId, versionId);
	}

	function submitted(task: Task): Answer {
		return { kind: 'data', status: 200, data: wire.result(task), messages: settings.messages };
	}

	function run(call: Call): Answer | Promise<Answer> {
		const { body } = call;
		if (!isRecord(body)) {
			return problem(400, 'invalid_request', 'the request body must be a JSON object');
		}
		const target = catalogue.target(body);
		if ('kind' in target) return target;
		const { app, id } = target.entry;
		if (app.refuse) {
			const { body: refusal, ...rest } = app.refuse;
			return { kind: 'raw', ...rest, body: JSON.stringify(refusal) };
		}
		if (body['input'] === undefined) return problem(422, 'validation_failed', 'input is required');
		const invalid = validate(target.function.input, body['input']);
		if (invalid) return problem(422, 'validation_failed', `input validation failed: ${invalid}`);
		const leased = session(body, id, target.entry.versionId);
		if (leased && 'kind' in leased) return leased;
		if (app.needsSession && !leased) {
			return problem(400, 'invalid_request', `app ${target.entry.ref} runs in sessions only`);
		}
		const task = tasks.submit(target, body, leased);
		lag.created(task.id);
		if (body['stream'] === true) return stream(task, call);
		if (body['wait'] !== true) return submitted(task);
		return tasks.ended(task).then(() =>
			task.status === COMPLETED
				? submitted(task)
				: // A task that went wrong makes the whole request a failure.
					problem(
						422,
						task.status === CANCELLED ? 'task_cancelled' : 'task_failed',
						task.error ?? `task ${statusName(task.status)}`,
					),
		);
	}

	function snapshot(task: Task): StreamMessage {
		const dto = wire.snapshot(task);
		if (!isTerminal(task.status)) return { data: dto };
		const { output: _output, error: _error, ...bare } = dto;
		const shrunk: StreamMessage = { data: bare, terminal: true };
		return task.entry.app.bareTerminalLine ? shrunk : { data: dto, terminal: true, bare: shrunk };
	}

	function stream(task: Task, call: Call): Answer {
		return {
			kind: 'stream',
			open(response, fault) {
				let unwatch: (() => void) | undefined;
				const writer = new StreamWriter(response, {
					format: negotiate(call.headers['accept'], settings.streamFormat),
					sseEvents: settings.sseEvents,
					heartbeatMs: settings.heartbeatMs,
					fault,
					onClose: () => unwatch?.(),
				});
				writer.open();
				if (settings.streamSnapshotFirst) {
					writer.send(snapshot(task));
					if (isTerminal(task.status) && settings.streamClosesAfterTerminal) writer.end();
				}
				if (!isTerminal(task.status)) {
					unwatch = tasks.watch(task, (message) => {
						writer.send(message);
						if (message.terminal && settings.streamClosesAfterTerminal) writer.end();
					});
				}
				writer.startHeartbeats();
			},
		};
	}

	function withTask(handle: (task: Task, call: Call) => Answer): Route['handle'] {
		return (call) => {
			const task = tasks.get(call.params['id'] ?? '');
			if (task) return lag.hides(task.id) ? notFound('task') : handle(task, call);
			return foreign.get(call.params['id'] ?? '') === 403
				? problem(403, 'forbidden', 'the task belongs to another team')
				: notFound('task');
		};
	}

	function cancel(task: Task, call: Call): Answer {
		if (isTerminal(task.status) && settings.cancelOfEnded !== 200) {
			return problem(settings.cancelOfEnded, 'conflict', 'the task has ended');
		}
		const body = asRecord(call.body);
		const timeout = typeof body['timeout'] === 'number' ? body['timeout'] : undefined;
		tasks.cancel(task, body['force'] === true, timeout);
		const { id, status } = task;
		if (settings.cancelAnswer === 'null') return data(null);
		return data({ id, status, cancelled: status === CANCELLED || status === CANCELLING });
	}

	function list(call: Call): Answer {
		return cursorList(tasks.all(), call.body, {
			settings,
			id: (task) => task.id,
			row: (task) => ({
				id: task.id,
				short_id: task.id.slice(0, 8),
				created_at: wire.time(task.createdAt),
				updated_at: wire.time(task.updatedAt),
				status: task.status,
				app_id: task.entry.id,
				app_version_id: task.entry.versionId,
				function: task.functionName,
				infra: task.request['infra'] ?? 'cloud',
				session_id: task.session?.id ?? null,
				webhook: task.request['webhook'] ?? null,
				error: task.error ?? null,
				user_id: 'user_sandbox',
			}),
			value: (field, value) =>
				field === 'status' && typeof value === 'string' && !/^\d+$/.test(value)
					? statusOrText(value)
					: field === 'status'
						? Number(value)
						: value,
			text: (task) => `${task.id} ${task.entry.ref}`,
			dto: (task, { preloads }) => wire.listed(task, preloads, settings.listPreloads === 'app'),
		});
	}

	/** Whoever has bought it, whatever became of it: a task costs what its app does, once it has ended. */
	function cost(task: Task): Answer {
		const { price = 0 } = task.entry.app;
		const { finishedAt = Infinity } = task;
		if (Date.now() < finishedAt + settings.costAfterMs || price === 0) {
			return notFound('usage record');
		}
		const total = typeof price === 'number' ? price : price[0];
		const charged = task.status === COMPLETED ? total : 0;
		return data({ total, charged, refunded: total - charged });
	}

	return [
		{ method: 'POST', url: '/apps/run', submits: true, handle: run },
		{ method: 'POST', url: '/run', submits: true, handle: run },
		{ method: 'POST', url: '/tasks/list', handle: list },
		{ method: 'GET', url: '/usage/tasks/:id/cost', handle: withTask(cost) },
		{ method: 'GET', url: '/tasks/:id', handle: withTask((task) => data(wire.full(task))) },
		{
			method: 'GET',
			url: '/tasks/:id/status',
			handle: withTask((task) =>
				data({
					id: task.id,
					status: settings.statusAs === 'number' ? task.status : statusName(task.status),
					updated_at: wire.time(task.updatedAt),
				}),
			),
		},
		{
			method: 'GET',
			url: '/tasks/:id/logs',
			handle: withTask((task) =>
				data({
					task_id: task.id,
					status: task.status,
					events: wire.events(task),
					logs: wire.logs(task),
				}),
			),
		},
		{
			method: 'GET',
			url: '/tasks/:id/timings',
			handle: withTask((task) => data(wire.timings(task))),
		},
		{ method: 'GET', url: '/tasks/:id/telemetry', handle: withTask(() => data(null)) },
		{ method: 'GET', url: '/tasks/:id/stream', handle: withTask(stream) },
		{
			method: 'POST',
			url: '/tasks/:id/cancel',
			handle: withTask(cancel),
		},
		{
			method: 'DELETE',
			url: '/tasks/:id',
			handle: withTask((task) => {
				tasks.delete(task);
				return { kind: 'empty', status: 204 };
			}),
		},
	];
}

function statusOrText(value: string): number | string {
	try {
		return statusNumber(value);
	} catch {
		return value;
	}
}
