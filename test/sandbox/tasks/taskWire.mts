/** Tasks on the wire: the slim result, the full DTO and the lesser views. */
import type { Catalogue } from '../apps/catalogue.mts';
import { TEAM_ID } from '../files/files.mts';
import { shortId } from '../util/ids.mts';
import { COMPLETED, isTerminal, RUNNING, statusName } from './status.mts';
import type { Task } from './tasks.mts';
import type { SandboxSettings } from '../types.mts';
import { asRecord } from '../util/values.mts';

type Dto = Record<string, unknown>;

export class TaskWire {
	private readonly catalogue: Catalogue;
	private readonly settings: Pick<SandboxSettings, 'logsAs' | 'inputsAs' | 'hiddenFields'>;
	/** Formats a time on the service's clock. */
	readonly time: (epochMs: number) => string;

	constructor(
		catalogue: Catalogue,
		time: (epochMs: number) => string,
		settings: Pick<SandboxSettings, 'logsAs' | 'inputsAs' | 'hiddenFields'>,
	) {
		this.catalogue = catalogue;
		this.time = time;
		this.settings = settings;
	}

	/** TaskResultDTO, the answer to a submission. */
	result(task: Task): Dto {
		const dto: Dto = {
			id: task.id,
			short_id: shortId(task.id),
			status: task.status,
			status_text: isTerminal(task.status) ? statusName(task.status) : '',
			output: task.output,
		};
		if (task.error !== undefined) dto['error'] = task.error;
		if (task.session) dto['session_id'] = task.session.id;
		dto['created_at'] = this.time(task.createdAt);
		dto['updated_at'] = this.time(task.updatedAt);
		if (task.request['run_at'] !== undefined) dto['run_at'] = task.request['run_at'];
		if (task.entry.app.functions[task.functionName]?.kind === 'stream') {
			dto['socket'] = {
				id: `sock_${shortId(task.id)}`,
				url: `wss://127.0.0.1/sockets/${task.id}`,
				token: 'sandbox',
				expires_at: this.time(task.createdAt + 900_000),
			};
		}
		return dto;
	}

	/** TaskDTO without the app: what a stream's snapshot shows. */
	snapshot(task: Task): Dto {
		const { request } = task;
		const dto: Dto = {
			id: task.id,
			short_id: shortId(task.id),
			created_at: this.time(task.createdAt),
			updated_at: this.time(task.updatedAt),
			user_id: 'user_sandbox',
			team_id: TEAM_ID,
			visibility: 'private',
			is_featured: false,
			status: task.status,
			app_id: task.entry.id,
			app_version_id: task.entry.versionId,
			app_variant: '',
			function: task.functionName,
			infra: request['infra'] ?? 'cloud',
			workers: request['workers'] ?? null,
		};
		if (request['run_at'] !== undefined) dto['run_at'] = request['run_at'];
		if (request['webhook'] !== undefined) dto['webhook'] = request['webhook'];
		if (request['setup'] !== undefined) dto['setup'] = request['setup'];
		dto['input'] = this.input(task);
		dto['output'] = task.output;
		if (task.error !== undefined) dto['error'] = task.error;
		dto['rating'] = 'safe';
		dto['events'] = this.events(task);
		dto['logs'] = this.logs(task);
		dto['usage_events'] = this.usage(task);
		if (task.session) {
			dto['session_id'] = task.session.id;
			dto['session_timeout'] = task.session.timeoutMs / 1000;
		}
		for (const field of this.settings.hiddenFields) delete dto[field];
		return dto;
	}

	/** The input as the service has stored it. */
	private input({ request, entry, functionName }: Task): unknown {
		const { inputsAs } = this.settings;
		const input = asRecord(request['input']);
		if (inputsAs === 'hidden') return null;
		if (inputsAs === 'withoutNulls') {
			return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));
		}
		if (inputsAs === 'sent') return request['input'];
		const properties = asRecord(asRecord(entry.app.functions[functionName]?.input)['properties']);
		const defaults = Object.entries(properties).map(
			([key, schema]) => [key, asRecord(schema)['default'] ?? null] as const,
		);
		return { ...Object.fromEntries(defaults), ...input };
	}

	/** The whole TaskDTO, schemas and all. */
	full(task: Task): Dto {
		return {
			...this.snapshot(task),
			app: this.catalogue.appDto(task.entry),
			app_version: this.catalogue.versionDto(task.entry),
		};
	}

	/** TaskDTO as lists show it. */
	listed(task: Task, preloads: readonly string[], embedApp: boolean): Dto {
		const dto = this.snapshot(task);
		if (embedApp || preloads.includes('app')) dto['app'] = this.catalogue.appDto(task.entry);
		if (preloads.includes('app_version')) {
			dto['app_version'] = this.catalogue.versionDto(task.entry);
		}
		return dto;
	}

	events(task: Task): unknown {
		return task.events.map(({ status, at }, index) => ({
			id: `${shortId(task.id)}e${index}`,
			created_at: this.time(at),
			event_time: this.time(at),
			task_id: task.id,
			status,
		}));
	}

	/** One entry per log type, its content growing in place; null while there is none. */
	logs(task: Task): unknown {
		const { logs } = task;
		if (!logs) return null;
		if (this.settings.logsAs === 'text') {
			return [...logs.values()].map(({ content }) => content).join('');
		}
		return [...logs].map(([type, log]) => ({
			id: log.id,
			created_at: this.time(log.createdAt),
			updated_at: this.time(log.updatedAt),
			task_id: task.id,
			log_type: type,
			content: log.content,
		}));
	}

	timings(task: Task): Dto {
		const end = task.finishedAt ?? Date.now();
		const total = end - task.createdAt;
		const started = task.events.find(({ status }) => status === RUNNING)?.at;
		const group = (label: string, from: number, to: number): Dto => ({
			label,
			start_at: this.time(from),
			end_at: this.time(to),
			duration: `${to - from}ms`,
			duration_ms: to - from,
		});
		return {
			task_id: task.id,
			status: statusName(task.status),
			total_duration: `${total}ms`,
			total_duration_ms: total,
			groups:
				started === undefined
					? [group('queue', task.createdAt, end)]
					: [group('queue', task.createdAt, started), group('run', started, end)],
			events: task.events.map(({ status, at }, index) => {
				const next = task.events[index + 1];
				return {
					status: statusName(status),
					timestamp: this.time(at),
					...(next
						? {
								duration: `${next.at - at}ms`,
								duration_ms: next.at - at,
								next_status: statusName(next.status),
							}
						: {}),
				};
			}),
		};
	}

	private usage(task: Task): unknown {
		if (task.status !== COMPLETED) return null;
		const started = task.events.find(({ status }) => status === RUNNING)?.at ?? task.createdAt;
		return [
			{
				usage_billing_record_id: `bill_${shortId(task.id)}`,
				reference_id: task.id,
				resource_id: task.entry.id,
				tier: 'cloud',
				type: 'cpu',
				model: 'shared',
				quantity: (task.finishedAt ?? started) - started,
				unit: 'ms',
			},
		];
	}
}
