/** The saved agents: refs, listings and DTOs. */
import { adHocAgent, misconfigured } from './adHoc.mts';
import type { SandboxAgent } from './agentTypes.mts';
import { data, notFound, problem, type Answer } from '../http/answers.mts';
import type { Answerer } from '../chats/chatState.mts';
import { TEAM_ID } from '../files/files.mts';
import { newId, shortId } from '../util/ids.mts';
import { cursorList } from '../http/lists.mts';
import type { Route } from '../http/routes.mts';
import { didYouMean, similar } from '../apps/similar.mts';
import { asRecord, text } from '../util/values.mts';

/** An agent in one version, with the ids that the service gave it. */
export interface AgentEntry {
	readonly agent: SandboxAgent;
	readonly ref: string;
	readonly id: string;
	readonly versionId: string;
	readonly createdAt: number;
	/** Its earlier versions, newest first. */
	readonly older: readonly AgentEntry[];
}

const WORKSPACE = 'sandbox';
const A_DAY = 86_400_000;

export class Agents {
	private readonly byRef = new Map<string, AgentEntry>();
	private readonly byId = new Map<string, AgentEntry>();
	private readonly clock: (epochMs: number) => string;

	constructor(agents: readonly SandboxAgent[], clock: (epochMs: number) => string) {
		this.clock = clock;
		const createdAt = Date.now() - A_DAY;
		for (const agent of agents) {
			const ref = `${agent.namespace}/${agent.name}`;
			const id = newId();
			const version = (
				one: SandboxAgent,
				age: number,
				older: readonly AgentEntry[],
			): AgentEntry => ({
				agent: one,
				ref,
				id,
				versionId: newId(),
				older,
				createdAt: createdAt - age * A_DAY,
			});
			const older = (agent.older ?? []).map((one, index) =>
				version({ ...agent, ...one }, index + 1, []),
			);
			const entry = version(agent, 0, older);
			this.byRef.set(ref, entry);
			this.byId.set(id, entry);
		}
	}

	entries(): Iterable<AgentEntry> {
		return this.byRef.values();
	}

	/** Who is to answer a request, or its refusal. */
	answerer(body: Readonly<Record<string, unknown>>): Answerer | Answer {
		const ref = text(body['agent']);
		const id = text(body['agent_id']);
		const config = body['agent_config'] ?? undefined;
		if ([ref !== '' || id !== '', config !== undefined].filter(Boolean).length !== 1) {
			const detail = 'exactly one of agent and agent_config is required';
			return problem(422, 'validation_failed', detail);
		}
		if (config !== undefined) {
			const wrong = misconfigured(config);
			if (wrong !== undefined) return problem(422, 'validation_failed', wrong);
			const name = text(body['agent_name'], text(asRecord(config)['name']));
			return { agent: adHocAgent, entry: undefined, config: asRecord(config), name };
		}
		const entry = this.find(ref === '' ? id : ref);
		if ('kind' in entry) return entry;
		const { refuse } = entry.agent;
		if (refuse) {
			const { status, body: refusal, contentType } = refuse;
			return { kind: 'raw', status, contentType, body: JSON.stringify(refusal) };
		}
		return { agent: entry.agent, entry, config: {}, name: entry.ref };
	}

	private find(asked: string): AgentEntry | Answer {
		const at = asked.indexOf('@');
		const version = at < 0 ? 'latest' : asked.slice(at + 1);
		const plain = at < 0 ? asked : asked.slice(0, at);
		const name = plain.split('/').length === 3 ? plain.replace(/^agent\//, '') : plain;
		const entry =
			this.byId.get(name) ?? this.byRef.get(name) ?? this.byRef.get(`${WORKSPACE}/${name}`);
		if (!entry) {
			const suggestions = similar(name, this.byRef.keys());
			const detail = `agent '${name}' not found${didYouMean(name, this.byRef.keys())}`;
			return problem(404, 'not_found', detail, suggestions.length > 0 ? { suggestions } : {});
		}
		if (version === 'latest') return entry;
		const chosen = [entry, ...entry.older].find(
			({ versionId }) => versionId === version || shortId(versionId) === version,
		);
		return chosen ?? notFound(`version ${version} of agent ${entry.ref}`);
	}

	private dto(entry: AgentEntry): Record<string, unknown> {
		const { id, agent, versionId } = entry;
		const { namespace, name, title, description, context, outputSchema } = agent;
		const at = this.clock(entry.createdAt);
		return {
			id,
			created_at: at,
			updated_at: at,
			user_id: 'user_sandbox',
			team_id: TEAM_ID,
			visibility: 'private',
			namespace,
			name,
			title,
			harness: 'inference',
			images: { card: '', thumbnail: '', banner: '' },
			version_id: versionId,
			version: {
				id: versionId,
				short_id: shortId(versionId),
				created_at: at,
				updated_at: at,
				description,
				system_prompt: '',
				example_prompts: null,
				tools: null,
				skills: null,
				core_app: { ref: 'sandbox/llm' },
				context: context ?? null,
				output_schema: outputSchema ?? null,
			},
		};
	}

	routes(): Route[] {
		const answer = (asked: string): Answer => {
			const entry = this.find(asked);
			return 'kind' in entry ? entry : data(this.dto(entry));
		};
		return [
			{
				method: 'POST',
				url: '/agents/list',
				handle: (call) =>
					cursorList(
						[...this.byRef.values()].filter(({ agent }) => agent.unlisted !== true),
						call.body,
						{
							id: ({ id }) => id,
							row: (entry) => this.dto(entry),
							dto: (entry) => this.dto(entry),
							text: ({ ref, agent }) => `${ref} ${agent.title} ${agent.description}`,
						},
					),
			},
			{
				method: 'GET',
				url: '/agents/:id',
				handle: ({ params }) => answer(params['id'] ?? ''),
			},
			{
				method: 'GET',
				url: '/agents/:id/:name',
				handle: ({ params }) => answer(`${params['id']}/${params['name']}`),
			},
		];
	}
}
