/** Which scopes the calls of each kind need (API notes 9). The first line that fits counts. */
const SCOPES: ReadonlyArray<readonly [call: RegExp, scopes: string]> = [
	[/^POST \/apps\/run$/, 'apps:read and apps:execute'],
	[/ \/tasks\/[^/]+\/cancel$|^(?:POST|DELETE) \/sessions/, 'apps:execute'],
	[/ \/usage\/tasks\//, 'apps:read or billing:read'],
	[/ \/(?:usage|billing|entitlements)\b/, 'billing:read'],
	[/ \/(?:apps|store|tasks|sessions)\b/, 'apps:read'],
	[/^GET \/files\b| \/files\/list$/, 'files:read'],
	[/ \/files\b/, 'files:write'],
	[/^POST \/flowruns(?:\/[^/]+\/cancel)?$/, 'flows:execute'],
	[/ \/(?:flows|flowruns)\b/, 'flows:read'],
	[
		/^POST \/agents\/run$/,
		'agents:read, agents:execute, conversations:read and conversations:write',
	],
	[/ \/agents\b/, 'agents:read'],
	[/^GET \/chats\b| \/chats\/list$/, 'conversations:read'],
	[/ \/chats\b/, 'conversations:write'],
	[/ \/search$/, 'knowledge:read'],
];

/**
 * The scopes that a key needs for a call, in words.
 *
 * @param call such as `POST /apps/run`
 * @returns undefined if that is not known
 */
export function scopesFor(call: string): string | undefined {
	return SCOPES.find(([pattern]) => pattern.test(call))?.[1];
}
