/** Who the key belongs to and what its plan allows. */
import { data, problem } from './http/answers.mts';
import { TEAM_ID } from './files/files.mts';
import type { Route } from './http/routes.mts';
import type { SandboxSettings } from './types.mts';

/** What a key may be given; any valid key may ask. */
const SCOPES = [
	'agents',
	'apps',
	'billing',
	'conversations',
	'files',
	'flows',
	'knowledge',
].flatMap((resource) => ['read', 'write', 'execute'].map((action) => `${resource}:${action}`));

/** Microcents that the workspace begins with: 25 dollars. */
const BALANCE = 2_500_000_000;
const RANGES = ['1h', '1d', '7d', '30d', '90d'];

interface AccountContext {
	readonly settings: SandboxSettings;
	readonly clock: (epochMs: number) => string;
	readonly startedAt: number;
	readonly runningTasks: () => number;
	readonly submittedTasks: () => number;
	/** App and cost of what has been bought, in microcents. */
	readonly spent: () => ReadonlyArray<readonly [app: string, cost: number]>;
}

/** `/me`, `/entitlements`, what the workspace has spent, and what of its plan it has used. */
export function accountRoutes(context: AccountContext): Route[] {
	const { settings, clock, startedAt } = context;
	const at = clock(startedAt);

	function entitlement(resource: string, limit: number | undefined): Record<string, unknown> {
		return {
			id: `ent_${resource}`,
			created_at: at,
			updated_at: at,
			scope: 'team',
			team_id: TEAM_ID,
			resource,
			type: resource.startsWith('feature:') ? 'boolean' : 'limit',
			enabled: true,
			unlimited: limit === undefined,
			limit: limit ?? 0,
			source: 'tier',
			enforcement: 'block',
		};
	}

	const limits = (): Array<[string, number | undefined]> => [
		['concurrency', Number.isFinite(settings.schedulerLimit) ? settings.schedulerLimit : undefined],
		['rate_per_min', settings.rateLimit?.perMinute ?? settings.rateLimit?.max],
		['task_executions', undefined],
		['storage_mb', 10_000],
		['retention_days', 30],
		['feature:webhooks', undefined],
	];

	return [
		{
			method: 'GET',
			url: '/me',
			handle: () =>
				data({
					user: {
						id: 'user_sandbox',
						created_at: at,
						updated_at: at,
						name: 'sandbox',
						email: 'sandbox@localhost',
						role: 'user',
					},
					team: {
						id: TEAM_ID,
						created_at: at,
						updated_at: at,
						type: 'personal',
						username: 'sandbox',
					},
					team_view: { team_id: TEAM_ID, kind: 'personal', governance: null, can: null },
				}),
		},
		{
			method: 'GET',
			url: '/scopes',
			handle: () => data({ scopes: SCOPES }),
		},
		{
			method: 'GET',
			url: '/billing/balance',
			handle: () =>
				data({ balance: BALANCE - context.spent().reduce((sum, [, cost]) => sum + cost, 0) }),
		},
		{
			method: 'GET',
			url: '/usage/breakdown',
			handle: ({ query }) => {
				const range = new URLSearchParams(query).get('range') ?? '30d';
				if (!RANGES.includes(range))
					return problem(400, 'invalid_request', `unknown range: ${range}`);
				const total = new Map<string, number>();
				for (const [app, cost] of context.spent()) total.set(app, (total.get(app) ?? 0) + cost);
				const cost = [...total.values()].reduce((sum, one) => sum + one, 0);
				return data({
					range,
					total_cost: cost,
					per_model: [...total].map(([model, one]) => ({ model, total_cost: one })),
					timeseries: [{ timestamp: at, cost }],
				});
			},
		},
		{
			method: 'GET',
			url: '/entitlements',
			handle: () => data(limits().map(([resource, limit]) => entitlement(resource, limit))),
		},
		{
			method: 'GET',
			url: '/entitlements/usage',
			handle: () =>
				data(
					limits().map(([resource, limit]) => ({
						resource,
						current:
							resource === 'concurrency'
								? context.runningTasks()
								: resource === 'task_executions'
									? context.submittedTasks()
									: 0,
						limit: limit ?? 0,
						unlimited: limit === undefined,
						enforcement: 'block',
					})),
				),
		},
	];
}
