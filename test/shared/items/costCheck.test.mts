/** What the Max Cost option asks and refuses beyond the tests of each node. */
import { describe, expect, it } from 'vitest';
import { NODE_NAME } from '../../engine/engine.mts';
import { inMemory } from '../files/support.mts';
import { filledIn, STUDIO } from '../formSupport.mts';
import { FROM_ITEM, jsonOf, runApp, useSandbox } from '../../engine/support.mts';
import { until } from '../../until.mts';

const sandbox = useSandbox();
const echo = (count: number) => Array.from({ length: count }, (_, n) => ({ text: `${n}` }));
const estimates = () =>
	sandbox()
		.requests.filter(({ path }) => path.endsWith('/estimate'))
		.map(({ body }) => body);
const hints = (run: Awaited<ReturnType<typeof runApp>>) =>
	run.hints(NODE_NAME).map(({ message }) => message);

describe('Max Cost', () => {
	it('lets pass what costs just as much, whatever the sum is rounded to', async () => {
		// As floating point numbers, six times one cent is more than six cents.
		const run = await runApp(sandbox(), { items: echo(6), options: { maxCost: 0.06 } });
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toHaveLength(6);
	});

	it('asks for the input that a form gives', async () => {
		const parameters = filledIn({ prompt: 'a boat', source: 'inf://a', seed: '7' });
		const run = await runApp(sandbox(), {
			app: STUDIO,
			parameters,
			items: [{}, {}],
			options: { maxCost: 0.01 },
		});
		expect(run.error?.message).toContain('$0.0200');
		expect(estimates()).toEqual(
			Array(2).fill({ input: { prompt: 'a boat', source: 'inf://a', seed: 7 } }),
		);
		expect(sandbox().tasks()).toEqual([]);
	});

	it('is known before any file is uploaded', async () => {
		const items = [{ json: {}, binary: { data: inMemory(Buffer.from('x')) } }];
		const refused = await runApp(sandbox(), {
			app: STUDIO,
			items,
			options: { maxCost: 0.005 },
			parameters: filledIn({ prompt: 'a boat', source: 'data', references: 'inf://a, data' }),
		});
		expect(refused.error?.message).toContain('$0.0100');
		expect(sandbox().files()).toEqual([]);
		const binaryFiles = { values: [{ field: 'file', binaryProperty: 'data' }] };
		const run = await runApp(sandbox(), {
			app: 'sandbox/file-info',
			items,
			options: { maxCost: 1 },
			parameters: { inputMode: 'json', jsonInput: '{}', binaryFiles },
		});
		expect(run.error).toBeUndefined();
		expect(sandbox().files()).toHaveLength(1);
	});

	it('names the items that it could not learn the cost of', async () => {
		const items = echo(30).map((input, n) => ({
			app: n % 2 ? 'sandbox/multi:upper' : 'sandbox/echo',
			input,
		}));
		const run = await runApp(sandbox(), { ...FROM_ITEM, items, options: { maxCost: 1 } });
		expect(run.error).toBeUndefined();
		expect(hints(run)).toEqual([
			'The cost of 15 of 30 items could not be estimated and does not count towards "Limit: Max Cost (USD)" (item 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, …).',
		]);
	});

	it('of an input that the service refuses, or an app that it does not know, is unknown', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/sleep', input: { ms: 'long' } },
				{ app: 'sandbox/echo', input: {} },
				{ app: 'sandbox/none', input: {} },
			],
			options: { maxCost: 1 },
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run).map(({ status, error }) => status ?? typeof error)).toEqual([
			...['string', 'completed', 'string'],
		]);
		expect(hints(run)[0]).toContain('2 of 3 items');
		expect(hints(run)[0]).toContain('(item 0, 2)');
	});

	it('is not exceeded by items whose files have no place: they fail by themselves', async () => {
		const binaryFiles = { values: [{ field: 'text.inner', binaryProperty: 'data' }] };
		const run = await runApp(sandbox(), {
			items: [{ text: 'x' }],
			parameters: { binaryFiles },
			options: { maxCost: 0 + 1e-4 },
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run)[0]?.['error']).toContain('text.inner');
		expect(estimates()).toEqual([]);
	});

	it('is not asked for once the execution is stopped', async () => {
		sandbox().fault({ on: 'POST /store/apps/*', kind: 'hang', when: 'before', times: 9 });
		const run = await runApp(sandbox(), {
			items: echo(40),
			options: { maxCost: 1 },
			cancelAfter: until(() => estimates().length > 0),
		});
		expect(run.status).toBe('canceled');
		expect(estimates().length).toBeLessThan(10);
		expect(sandbox().tasks()).toEqual([]);
	});
});
