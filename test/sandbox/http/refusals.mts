/** Refusals that come before any handler, as faults of the kind `status` send them. */

interface StatusAnswer {
	readonly status: number;
	readonly body: string | object;
	readonly headers?: Readonly<Record<string, string>>;
}

const problemOf = (status: number, code: string, detail: string, extra = {}): StatusAnswer => ({
	status,
	body: { type: `https://api.inference.sh/errors/${code}`, status, detail, ...extra },
});

export const REFUSALS = {
	/** The rate limit of the smallest plan. */
	ratePerMinute: problemOf(402, 'limit_exceeded', 'requests per minute limit reached', {
		meta: { resource: 'rate_per_min', limit: 30, current: 31, upgrade_available: true },
	}),
	/** The plan could not be read; nothing has been created. */
	entitlementUnavailable: problemOf(500, 'entitlement_unavailable', 'could not read plan limits'),
	/** The address is blocked; the key has not been looked at. */
	blockedAddress: { status: 403, body: { message: 'access denied' } },
	/** A sanctioned region. */
	blockedRegion: { status: 451, body: 'Unavailable For Legal Reasons' },
	/** Of the OpenAI dialect. */
	insufficientQuota: {
		status: 402,
		body: { error: { message: 'quota exceeded', type: 'insufficient_quota', code: null } },
	},
} as const satisfies Record<string, StatusAnswer>;
