import { createRequire } from 'node:module';
import type * as N8nWorkflow from 'n8n-workflow';
import {
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
} from 'n8n-workflow';
import { beforeEach, describe, expect, it } from 'vitest';
import {
	loadOptionsContext,
	NODE_NAME,
	readBinary,
	runNode,
	useFileBinaryData,
} from './engine.mts';
import { until } from '../until.mts';

type PerItem = (context: IExecuteFunctions, item: number) => Promise<IDataObject> | IDataObject;

/** A node that does one thing per item, and deals with failing items as nodes should. */
function nodeDoing(work: PerItem, before?: (context: IExecuteFunctions) => void): INodeType {
	return {
		description: {
			displayName: 'Probe',
			name: 'probe',
			group: ['transform'],
			version: 1,
			description: 'Does one thing per item',
			defaults: { name: 'Probe' },
			inputs: ['main'],
			outputs: ['main'],
			credentials: [{ name: 'inferenceShApi', required: false }],
			properties: [{ displayName: 'N', name: 'n', type: 'number', default: 0 }],
		},
		async execute() {
			before?.(this);
			const output: INodeExecutionData[] = [];
			for (const item of this.getInputData().keys()) {
				try {
					output.push({ json: await work(this, item), pairedItem: { item } });
				} catch (error) {
					if (!this.continueOnFail()) throw error;
					const message = error instanceof Error ? error.message : 'unknown';
					output.push({ json: { error: message, details: { item } }, pairedItem: { item } });
				}
			}
			return [output];
		},
	};
}

const double = nodeDoing((context, item) => ({
	twice: (context.getNodeParameter('n', item) as number) * 2,
}));
const oddFails = nodeDoing((context, item) => {
	const n = context.getNodeParameter('n', item) as number;
	if (n % 2) throw new NodeOperationError(context.getNode(), `${n} is odd`, { itemIndex: item });
	return { n };
});
const fromItem = { n: '={{ $json.n }}' };
const numbers = [{ n: 2 }, { n: 3 }, { n: 4 }];

describe('engine harness', () => {
	it('shares one copy of n8n-workflow between tests, sources and engine', () => {
		const required = createRequire(import.meta.url)('n8n-workflow') as typeof N8nWorkflow;
		expect(required.NodeOperationError).toBe(NodeOperationError);
	});

	it('evaluates expressions for each item', async () => {
		const run = await runNode({ node: double, parameters: fromItem, items: numbers });
		expect(run.status).toBe('success');
		expect(run.error).toBeUndefined();
		expect(run.output(NODE_NAME).map(({ json }) => json)).toEqual([
			{ twice: 4 },
			{ twice: 6 },
			{ twice: 8 },
		]);
		expect(run.output('Output 0')).toHaveLength(3);
	});

	it('reports an expression that throws', async () => {
		const run = await runNode({
			node: double,
			parameters: { n: "={{ $('Nowhere').item.json.n }}" },
			items: numbers,
		});
		expect(run.status).toBe('error');
		expect(run.error?.name).toBe('ExpressionError');
		expect(run.error?.message).toContain("node doesn't exist");
	});

	it('ends the execution at a failing item by default', async () => {
		const run = await runNode({ node: oddFails, parameters: fromItem, items: numbers });
		expect(run.status).toBe('error');
		expect(run.error?.name).toBe('NodeOperationError');
		expect(run.error?.message).toBe('3 is odd');
		expect(run.error?.context).toMatchObject({ itemIndex: 1 });
		expect(run.output('Output 0')).toEqual([]);
	});

	it('keeps failed items in the regular output', async () => {
		const run = await runNode({
			node: oddFails,
			parameters: fromItem,
			items: numbers,
			onError: 'continueRegularOutput',
		});
		expect(run.status).toBe('success');
		expect(run.output('Output 0').map(({ json }) => json)).toEqual([
			{ n: 2 },
			{ error: '3 is odd', details: { item: 1 } },
			{ n: 4 },
		]);
	});

	it('routes failed items to the error output', async () => {
		const run = await runNode({
			node: oddFails,
			parameters: fromItem,
			items: numbers,
			onError: 'continueErrorOutput',
		});
		expect(run.status).toBe('success');
		expect(run.output('Output 0').map(({ json }) => json)).toEqual([{ n: 2 }, { n: 4 }]);
		// The engine adds the JSON of the input item.
		expect(run.output('Output 1').map(({ json }) => json)).toEqual([
			{ n: 3, error: '3 is odd', details: { item: 1 } },
		]);
	});

	it('runs the whole node again with Retry On Fail', async () => {
		let runs = 0;
		const node = nodeDoing(
			() => {
				if (runs < 3) throw new Error('not yet');
				return { runs };
			},
			() => runs++,
		);
		const run = await runNode({ node, parameters: {}, retryOnFail: true, maxTries: 4 });
		expect(run.status).toBe('success');
		expect(run.output(NODE_NAME)[0]?.json).toEqual({ runs: 3 });
		runs = -10;
		const failed = await runNode({ node, parameters: {}, retryOnFail: true, maxTries: 4 });
		expect(failed.status).toBe('error');
		expect(runs).toBe(-6);
	});

	describe('stopping', () => {
		let waiting = false;
		let reached = false;
		beforeEach(() => {
			waiting = false;
			reached = false;
		});
		const waits = nodeDoing(async (context) => {
			const signal = context.getExecutionCancelSignal();
			await new Promise<void>((resolve) => {
				signal?.addEventListener('abort', () => {
					reached = true;
					resolve();
				});
				waiting = true;
			});
			// What the engine goes by when a stopped node throws.
			throw new Error('The run was canceled');
		});

		it('reaches the node as a signal', async () => {
			const run = await runNode({ node: waits, parameters: {}, cancelAfter: until(() => waiting) });
			expect(reached).toBe(true);
			expect(run.status).toBe('canceled');
			expect(run.output('Output 0')).toEqual([]);
		});

		it('happens at the workflow timeout, too', async () => {
			const run = await runNode({
				node: waits,
				parameters: {},
				timeoutAfter: until(() => waiting),
			});
			expect(reached).toBe(true);
			expect(run.status).toBe('canceled');
		});
	});

	it('captures hints and console messages', async () => {
		const node = nodeDoing((context) => {
			context.addExecutionHints({ message: 'slow today', type: 'warning' });
			context.sendMessageToUI('one of one');
			return {};
		});
		const run = await runNode({ node, parameters: {} });
		expect(run.hints(NODE_NAME)).toEqual([{ message: 'slow today', type: 'warning' }]);
		expect(JSON.stringify(run.uiMessages)).toContain('one of one');
	});

	it('captures chunks only when it streams', async () => {
		const node = nodeDoing((context, item) => {
			const streaming = context.isStreaming();
			context.sendChunk('item', item, 'hel');
			context.sendChunk('item', item, { lo: true });
			return { streaming };
		});
		const live: string[] = [];
		const run = await runNode({
			node,
			parameters: {},
			streaming: true,
			mode: 'webhook',
			onChunk: ({ content }) => live.push(content ?? ''),
		});
		expect(run.output(NODE_NAME)[0]?.json).toEqual({ streaming: true });
		expect(run.chunks.map(({ type, content }) => [type, content])).toEqual([
			['item', 'hel'],
			['item', '{"lo":true}'],
		]);
		expect(live).toEqual(['hel', '{"lo":true}']);
		const quiet = await runNode({ node, parameters: {}, mode: 'webhook' });
		expect(quiet.output(NODE_NAME)[0]?.json).toEqual({ streaming: false });
		expect(quiet.chunks).toEqual([]);
	});

	it('hands out credentials and hides helpers', async () => {
		const node = nodeDoing(async (context) => ({
			credentials: await context.getCredentials('inferenceShApi'),
			egress: typeof context.helpers.getSecureEgressFilter,
			request: typeof context.helpers.httpRequest,
			signal: typeof context.getExecutionCancelSignal,
		}));
		const options = { node, parameters: {}, credentials: { apiKey: 'k', maxConcurrency: 2 } };
		const run = await runNode(options);
		expect(run.output(NODE_NAME)[0]?.json).toEqual({
			credentials: { apiKey: 'k', baseUrl: 'https://api.inference.sh', maxConcurrency: 2 },
			egress: 'function',
			request: 'function',
			signal: 'function',
		});
		const old = await runNode({
			...options,
			hideHelpers: ['getSecureEgressFilter'],
			adjustContext: (context) => Object.assign(context, { getExecutionCancelSignal: undefined }),
		});
		expect(old.output(NODE_NAME)[0]?.json).toMatchObject({
			egress: 'undefined',
			request: 'function',
			signal: 'undefined',
		});
	});

	it.each([
		['={{ $json.key }}', ['key-a', 'key-b']],
		['=Bearer {{ $json.key }}', ['Bearer key-a', 'Bearer key-b']],
		["={{ $('Start').item.json.key }}", ['key-a', 'key-b']],
		["={{ $('Start').first().json.key }}", ['key-a', 'key-a']],
		['={{ $itemIndex }}', [0, 1]],
		// n8n takes an expression that fails in JavaScript for one that gives nothing.
		['={{ $json.key.no.such.thing }}', [undefined, undefined]],
	])('evaluates a credential with %s for the item it is asked for', async (apiKey, given) => {
		const node = nodeDoing(async (context, item) => {
			return { given: (await context.getCredentials('inferenceShApi', item))['apiKey'] };
		});
		const run = await runNode({
			node,
			parameters: {},
			items: [{ key: 'key-a' }, { key: 'key-b' }],
			credentials: { apiKey },
		});
		expect(run.output(NODE_NAME).map(({ json }) => json['given'])).toEqual(given);
	});

	it.each(['={{ $json.key }}', "={{ $('Start').first().json.key }}"])(
		'cannot evaluate a credential with %s where there is no execution',
		async (apiKey) => {
			const context = loadOptionsContext({ node: double, parameters: {}, credentials: { apiKey } });
			await expect(context.getCredentials('inferenceShApi')).rejects.toThrow(
				/hasn't been executed|node doesn't exist/,
			);
		},
	);

	it('keeps binary data in files', async () => {
		await useFileBinaryData();
		const node = nodeDoing(async (context) => {
			const stored = await context.helpers.prepareBinaryData(Buffer.from('héllo'), 'a.txt');
			return { ...stored };
		});
		const run = await runNode({ node, parameters: {} });
		const stored = run.output(NODE_NAME)[0]?.json as unknown as Parameters<typeof readBinary>[0];
		expect(stored.id).toMatch(/^filesystem/);
		expect((await readBinary(stored)).toString()).toBe('héllo');
	});

	it('gives pickers their context', async () => {
		const context = loadOptionsContext({
			node: double,
			parameters: { n: 7 },
			credentials: { apiKey: 'k' },
		});
		expect(context.getCurrentNodeParameter('n')).toBe(7);
		expect(await context.getCredentials('inferenceShApi')).toMatchObject({ apiKey: 'k' });
	});
});
