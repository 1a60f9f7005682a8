/** The catalogue of apps: refs, listings and DTOs. */
import { data, notFound, problem, type Answer } from '../http/answers.mts';
import { TEAM_ID } from '../files/files.mts';
import { newId, shortId } from '../util/ids.mts';
import { cursorList } from '../http/lists.mts';
import type { Call, Route } from '../http/routes.mts';
import { validate } from './schemas.mts';
import { isChatModel } from './chatModels.mts';
import { didYouMean } from './similar.mts';
import type { SandboxApp, SandboxFunction } from '../types.mts';
import { asRecord } from '../util/values.mts';

/** An app in one version, with the ids that the service gave it. */
export interface AppEntry {
	readonly app: SandboxApp;
	readonly ref: string;
	readonly id: string;
	readonly versionId: string;
	readonly defaultFunction: string;
	readonly createdAt: number;
	/** Its earlier versions, newest first. */
	readonly older: readonly AppEntry[];
}

export interface Target {
	readonly entry: AppEntry;
	readonly functionName: string;
	readonly function: SandboxFunction;
}

const WORKSPACE = 'sandbox';

export class Catalogue {
	private readonly byRef = new Map<string, AppEntry>();
	private readonly byId = new Map<string, AppEntry>();
	private readonly clock: (epochMs: number) => string;

	constructor(apps: readonly SandboxApp[], clock: (epochMs: number) => string) {
		this.clock = clock;
		const createdAt = Date.now() - 86_400_000;
		for (const app of apps) {
			const ref = `${app.namespace}/${app.name}`;
			const id = newId();
			const version = (one: SandboxApp, age: number, older: readonly AppEntry[]): AppEntry => {
				const names = Object.keys(one.functions);
				return {
					app: one,
					ref,
					id,
					versionId: newId(),
					older,
					defaultFunction: names.includes('run') ? 'run' : (names[0] ?? 'run'),
					createdAt: createdAt - age * 86_400_000,
				};
			};
			const { setup: _setup, ...rest } = app;
			const older = (app.older ?? []).map((one, index) =>
				version({ ...rest, ...one }, index + 1, []),
			);
			const entry = version(app, 0, older);
			this.byRef.set(ref, entry);
			this.byId.set(entry.id, entry);
		}
	}

	entries(): Iterable<AppEntry> {
		return this.byRef.values();
	}

	find(idOrRef: string): AppEntry | undefined {
		return this.byId.get(idOrRef) ?? this.byRef.get(idOrRef);
	}

	/** What a run request names, or the refusal. */
	target(body: Readonly<Record<string, unknown>>): Target | Answer {
		const { app: ref, app_id: appId, version_id: wantedVersion } = body;
		let version = typeof wantedVersion === 'string' ? wantedVersion : '';
		let functionName = typeof body['function'] === 'string' ? body['function'] : '';
		let entry: AppEntry | undefined;
		let asked: string;
		if (typeof ref === 'string' && ref !== '') {
			let name = ref;
			const colon = name.lastIndexOf(':');
			if (colon > name.indexOf('@')) {
				functionName ||= name.slice(colon + 1);
				name = name.slice(0, colon);
			}
			const at = name.indexOf('@');
			if (at >= 0) {
				version = name.slice(at + 1);
				name = name.slice(0, at);
			}
			if (name.startsWith('app/') && name.split('/').length === 3) name = name.slice(4);
			asked = name;
			entry = this.byRef.get(name) ?? this.byRef.get(`${WORKSPACE}/${name}`);
		} else if (typeof appId === 'string' && appId !== '') {
			asked = appId;
			entry = this.byId.get(appId);
		} else {
			return problem(422, 'validation_failed', 'app or app_id is required');
		}
		if (!entry) return this.unknown(asked);
		const chosen = this.version(entry, version);
		if (!chosen) return notFound(`version ${version} of app ${entry.ref}`);
		entry = chosen;
		functionName ||= entry.defaultFunction;
		const target = entry.app.functions[functionName];
		if (!target) {
			return problem(
				422,
				'validation_failed',
				`app ${entry.ref} has no function '${functionName}', only: ${Object.keys(entry.app.functions).join(', ')}`,
			);
		}
		return { entry, functionName, function: target };
	}

	private version(entry: AppEntry, wanted: string): AppEntry | undefined {
		if (wanted === '' || wanted === 'latest') return entry;
		return [entry, ...entry.older].find(
			({ versionId }) => versionId === wanted || shortId(versionId) === wanted,
		);
	}

	/** App without its version, as lists embed it. */
	appDto(entry: AppEntry): Record<string, unknown> {
		const { app } = entry;
		const at = this.clock(entry.createdAt);
		return {
			id: entry.id,
			created_at: at,
			updated_at: at,
			user_id: 'user_sandbox',
			team_id: TEAM_ID,
			visibility: app.store ? 'public' : 'private',
			namespace: app.namespace,
			name: app.name,
			title: app.title,
			description: app.description,
			agent_description: '',
			category: app.category,
			images: { card: '', thumbnail: '', banner: '' },
			version_id: entry.versionId,
			status: 'active',
		};
	}

	versionDto(entry: AppEntry): Record<string, unknown> {
		const { app } = entry;
		const at = this.clock(entry.createdAt);
		const main = app.functions[entry.defaultFunction];
		const functions = Object.fromEntries(
			Object.entries(app.functions).map(([name, one]) => [
				name,
				{
					// Real entries may leave the name empty: the key is what counts.
					name: '',
					...(one.description === undefined ? {} : { description: one.description }),
					input_schema: one.input,
					output_schema: one.output,
					...(one.kind === undefined ? {} : { kind: one.kind }),
				},
			]),
		);
		return {
			id: entry.versionId,
			short_id: shortId(entry.versionId),
			created_at: at,
			updated_at: at,
			app_id: entry.id,
			metadata: { capabilities: null, tags: null },
			repository: '',
			setup_schema: app.setup ?? null,
			input_schema: main?.input ?? null,
			output_schema: main?.output ?? null,
			functions,
			default_function: entry.defaultFunction,
			variants: null,
			env: null,
			kernel: 'python-3.12',
			required_secrets: app.secrets?.map((key) => ({ key, description: `API key ${key}` })) ?? null,
			required_integrations: null,
			resources: { gpu: { count: 0, vram: 0, type: 'none' }, ram: 1_000_000_000 },
		};
	}

	private unknown(asked: string): Answer {
		const hint = didYouMean(asked, this.byRef.keys());
		return problem(404, 'not_found', `app '${asked}' not found${hint}`);
	}

	private storeDto(entry: AppEntry, rank: number): Record<string, unknown> {
		const { app } = entry;
		return {
			id: entry.id,
			category: app.category,
			tags: null,
			namespace: app.namespace,
			name: app.name,
			title: app.title,
			description: app.description,
			images: { card: '', thumbnail: '', banner: '' },
			is_featured: false,
			rank,
			has_approved_version: true,
			pricing_description: app.price === undefined ? '' : 'per run',
		};
	}

	private list(call: Call, store: boolean): Answer {
		const listed = [...this.byRef.values()].filter(
			({ app }) => (app.store ?? false) === store && app.unlisted !== true,
		);
		return cursorList(listed, call.body, {
			id: (entry) => entry.id,
			row: (entry) => this.appDto(entry),
			text: ({ ref, app }) => `${ref} ${app.title} ${app.description}`,
			dto: (entry, { preloads }) => {
				if (store) return this.storeDto(entry, listed.indexOf(entry));
				return preloads.includes('version')
					? { ...this.appDto(entry), version: this.versionDto(entry) }
					: this.appDto(entry);
			},
		});
	}

	/** OpenAI's list, which is in no envelope. */
	private models(): Answer {
		const rows = [...this.byRef.values()]
			.filter(({ app }) => isChatModel(app))
			.map(({ ref, app, createdAt }) => ({
				id: ref,
				object: 'model',
				created: Math.floor(createdAt / 1000),
				owned_by: app.namespace,
			}));
		return {
			kind: 'raw',
			status: 200,
			body: JSON.stringify({ object: 'list', data: rows }),
			contentType: 'application/json',
		};
	}

	private estimate(call: Call): Answer {
		const entry = this.find(call.params['id'] ?? '');
		if (!entry) return notFound('app');
		const body = asRecord(call.body);
		const name = typeof body['function'] === 'string' ? body['function'] : entry.defaultFunction;
		const target = entry.app.functions[name];
		if (!target) return problem(422, 'validation_failed', `no function '${name}'`);
		const error = validate(target.input, body['input'] ?? {});
		if (error) return problem(422, 'validation_failed', error);
		const { price } = entry.app;
		if (price === undefined) return data({ confidence: 'unknown' });
		if (typeof price === 'number') {
			return data({
				confidence: 'exact',
				microcents: price,
				min: price,
				max: price,
				pricing_description: 'per run',
			});
		}
		const [min, max] = price;
		return data({ confidence: 'range', min, max, depends_on: ['duration'] });
	}

	routes(): Route[] {
		const answer = (entry: AppEntry | undefined, asked: string): Answer =>
			entry
				? data({ ...this.appDto(entry), version: this.versionDto(entry) })
				: this.unknown(asked);
		return [
			{ method: 'POST', url: '/apps/list', handle: (call) => this.list(call, false) },
			{ method: 'POST', url: '/store/apps/list', handle: (call) => this.list(call, true) },
			{ method: 'GET', url: '/models/openai/models', handle: () => this.models() },
			{
				method: 'POST',
				url: '/store/apps/:id/estimate',
				handle: (call) => this.estimate(call),
			},
			{
				method: 'GET',
				url: '/apps/:id',
				handle: ({ params }) => answer(this.find(params['id'] ?? ''), params['id'] ?? ''),
			},
			{
				method: 'GET',
				url: '/apps/:id/:name',
				handle: ({ params }) => {
					const ref = `${params['id']}/${params['name']}`;
					return answer(this.byRef.get(ref), ref);
				},
			},
			{
				method: 'GET',
				url: '/apps/:id/versions/:version',
				handle: ({ params }) => {
					const entry = this.find(params['id'] ?? '');
					if (!entry) return notFound('app');
					const version = this.version(entry, params['version'] ?? '');
					return version ? answer(version, entry.ref) : notFound('app version');
				},
			},
			{
				method: 'POST',
				url: '/apps/:id/versions/list',
				handle: (call) => {
					const entry = this.find(call.params['id'] ?? '');
					if (!entry) return notFound('app');
					// Oldest first: a list shows what came last first.
					return cursorList([entry, ...entry.older].reverse(), call.body, {
						id: ({ versionId }) => versionId,
						row: (one) => this.versionDto(one),
						dto: (one) => this.versionDto(one),
					});
				},
			},
		];
	}
}
