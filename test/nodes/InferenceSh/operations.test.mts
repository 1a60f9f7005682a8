/** What all operations have: their actions in n8n's panel, samples, scopes, and short answers for models. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { IDataObject, INodeParameters, INodeProperties } from 'n8n-workflow';
import { NodeHelpers } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { RESOURCES } from '../../../nodes/InferenceSh/actions/index.ts';
import { InferenceSh } from '../../../nodes/InferenceSh/InferenceSh.node.ts';
import { appRef, jsonOf, useSandbox } from '../../engine/support.mts';
import { operate } from './support.mts';

const sandbox = useSandbox();
const ROOT = path.resolve(import.meta.dirname, '../../..');
const page = readFileSync(path.join(ROOT, 'docs/workspace.md'), 'utf8');

const all = RESOURCES.flatMap((resource) =>
	resource.operations.map((operation) => ({
		...{ resource, operation },
		what: `${resource.value}.${operation.value}`,
	})),
);

/** The scopes of each operation, as the page has them. */
const scopes = new Map<string, string>();
let current = '';
for (const [, first = '', name = '', , needed = ''] of page.matchAll(
	/^\|([^|]*)\|([^|]*)\|((?:[^|])*)\|([^|]*)\|$/gm,
)) {
	current = first.trim() === '' ? current : first.trim();
	scopes.set(`${current}.${name.trim()}`, needed);
}

/** Enough for each operation to ask something. */
const PARAMETERS: INodeParameters = {
	...{ taskId: 'x', chatId: 'x', sessionId: 'x', flowRunId: 'x', file: 'x', query: 'x' },
	...{ app: appRef('sandbox/echo'), agent: 'sandbox/assistant', flow: 'x', inputMode: 'json' },
};
const ITEM = {
	json: {},
	binary: { data: { data: 'aGVsbG8=', mimeType: 'text/plain' } },
};

it('are as many as the contract has', () => {
	expect(all).toHaveLength(29);
	expect(new Set(all.map(({ what }) => what)).size).toBe(29);
});

describe.each(all)('$what', ({ resource, operation, what }) => {
	it('has an action in sentence case, without articles and with what it is about', () => {
		expect(operation.action).toMatch(/^[A-Z][a-z]+( [a-z]+)+$/);
		expect(operation.action).not.toMatch(/\b(?:an?|the)\b/);
		expect(operation.action).toMatch(new RegExp(resource.name.toLowerCase().replace('y$', '')));
		expect(operation.description).toMatch(/^[A-Z].*[^ ]$/);
	});

	it('has a sample of its output', () => {
		const file = `nodes/InferenceSh/__schema__/v1.0.0/${resource.value}/${operation.value}.json`;
		expect(existsSync(path.join(ROOT, file))).toBe(true);
	});

	it('names the scopes that a key lacks, as the page does', async () => {
		const told = scopes.get(`${resource.name}.${operation.name}`) ?? '';
		const wanted = [...told.matchAll(/`([a-z]+:[a-z]+)`/g)].flatMap(([, scope]) => scope ?? []);
		expect(wanted).not.toEqual([]);
		const body = { type: 'https://api.inference.sh/errors/forbidden', detail: 'missing scope' };
		sandbox().fault({ on: '*', kind: 'status', status: 403, times: 99, body });
		const run = await operate(sandbox(), what, { items: [ITEM], parameters: PARAMETERS });
		expect(run.error?.message).toContain('The API key may not do this: missing scope');
		expect(wanted.some((scope) => String(run.error?.description).includes(scope))).toBe(true);
	});

	it('is one that a model can use', () => {
		const { description } = new InferenceSh();
		const parameters = { resource: resource.value, operation: operation.value };
		const node = {
			id: 'n',
			name: 'N',
			type: 't',
			typeVersion: 1,
			position: [0, 0] as [number, number],
			parameters,
		};
		const tool = { ...description, name: 'inferenceShTool' };
		const filled = NodeHelpers.getNodeParameters(
			tool.properties,
			parameters,
			true,
			false,
			node,
			tool,
		);
		expect(filled?.['toolDescription']).toMatch(/, on inference\.sh\.$/);
	});
});

const limited = all.filter(({ operation }) =>
	operation.properties.some(({ name }) => name === 'limit'),
);

describe.each(limited)('the limit of $what', ({ what }) => {
	const most = what === 'knowledge.search' ? 100 : 1_000_000;
	const limitedTo = async (limit: number) =>
		await operate(sandbox(), what, { parameters: { ...PARAMETERS, limit } });

	it.each([0, -1, 1.5, most + 1])(
		'is not %d, which is said before anything is asked',
		async (limit) => {
			const { error } = await limitedTo(limit);
			expect(error?.message).toContain(`"Limit" must be a whole number from 1 to ${most}, but is`);
			expect(sandbox().requests).toEqual([]);
		},
	);

	it('may be as high as that, and the service is asked for no more at once than it gives', async () => {
		await limitedTo(most);
		const asked = sandbox().requests.map(({ query, body }) => {
			const inQuery = new URLSearchParams(query).get('limit');
			return Number(inQuery ?? (body as { limit?: number } | undefined)?.limit);
		});
		expect(asked).toEqual([100]);
	});
});

/** The keys that a sample says an output has. */
function sampleKeys(what: string): readonly string[] {
	const [resource = '', operation = ''] = what.split('.');
	const file = path.join(ROOT, `nodes/InferenceSh/__schema__/v1.0.0/${resource}/${operation}.json`);
	const { properties } = JSON.parse(readFileSync(file, 'utf8')) as { properties: IDataObject };
	return Object.keys(properties);
}

it.each([
	'account.getBalance',
	'account.getSpending',
	'account.getLimits',
	'agent.getAll',
	'flow.getAll',
	'app.get',
	'app.estimateCost',
	'agent.get',
])('%s gives what its sample has, in that order', async (what) => {
	const run = await operate(sandbox(), what, { parameters: PARAMETERS });
	expect(Object.keys(jsonOf(run)[0] ?? {})).toEqual(sampleKeys(what));
});

describe('the panel', () => {
	const { properties } = new InferenceSh().description;
	const shownFor = (parameters: INodeParameters): INodeProperties[] =>
		properties.filter((property) =>
			NodeHelpers.displayParameter(parameters, property, { typeVersion: 1 }, null),
		);

	it('shows each parameter once, whatever is chosen', () => {
		for (const { resource, operation } of all) {
			const names = shownFor({
				...{ resource: resource.value, operation: operation.value, returnAll: false },
				...{ inputMode: 'json', downloadFiles: true },
			}).map(({ name }) => name);
			expect(names).toEqual([...new Set(names)]);
			expect(names).toContain('options');
		}
	});

	it('has an operation for each resource that is chosen first, and it changes nothing', () => {
		for (const { value: resource, operations } of RESOURCES) {
			const property = shownFor({ resource }).find(({ name }) => name === 'operation');
			expect(operations.map(({ value }) => value)).toContain(property?.default);
			expect(property?.default).toMatch(/^(?:get|search)/);
		}
	});
});

it('an operation that is not there is told', async () => {
	const run = await operate(sandbox(), 'task.explode').catch((error: Error) => ({ error }));
	expect(String(run.error?.message)).toMatch(/"Operation" must be one of|issues/);
});
