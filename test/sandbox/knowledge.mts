/** The search, over a little knowledge that every workspace has. */
import { data, problem } from './http/answers.mts';
import type { Route } from './http/routes.mts';
import { asArray, asRecord, text } from './util/values.mts';

const KNOWLEDGE = [
	{ name: 'refunds', description: 'How refunds work, and how long they take' },
	{ name: 'shipping', description: 'Where we deliver to, and how long it takes' },
	{ name: 'opening-hours', description: 'When somebody answers the phone' },
];

/** `/search`; what fits best comes first. */
export function knowledgeRoutes(): Route[] {
	return [
		{
			method: 'POST',
			url: '/search',
			handle: (call) => {
				const body = asRecord(call.body);
				const query = text(body['query']).trim().toLowerCase();
				if (query === '') return problem(400, 'invalid_request', 'query is required');
				const collections = asArray(body['collections']);
				const words = query.split(/\W+/).filter((word) => word.length > 2);
				const results = KNOWLEDGE.map((one) => {
					const about = `${one.name} ${one.description}`.toLowerCase();
					const found = words.filter((word) => about.includes(word)).length;
					return { one, score: found / Math.max(1, words.length) };
				})
					.filter(({ score }) => score > 0 && collections.includes('knowledge'))
					.sort((left, right) => right.score - left.score)
					.map(({ one, score }) => ({
						collection: 'knowledge',
						id: `kn_${one.name}`,
						score,
						fields: { namespace: 'sandbox', ...one },
					}));
				const limit = typeof body['limit'] === 'number' ? body['limit'] : 10;
				return data({ query, results: results.slice(0, limit) });
			},
		},
	];
}
