/**
 * What n8n does with a waiting execution, by fields that are not all part of its interface. Each
 * supported version is asked: `npm run test:compat` runs these tests in the engines of older ones.
 */
import {
	N8N_NODES_API_VERSION,
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import {
	failWhenResumed,
	keepWithExecution,
	keptWithExecution,
	putToWait,
} from '../../../nodes/shared/run/waitingExecution.ts';
import { NODE_NAME, runNode, type EngineRun } from '../../engine/engine.mts';
import { jsons, WaitingExecution } from '../../engine/waitingEngine.mts';

/** From 2.39 on n8n hands on all outputs, and lets a webhook call fail its node. */
const NEWER = N8N_NODES_API_VERSION !== undefined;
const KEY = 'shelf';
const HOUR_MS = 3_600_000;

/** Waits for an hour; its webhook call shows what was kept. */
class Sleeper implements INodeType {
	description: INodeType['description'] = {
		displayName: 'Sleeper',
		name: 'sleeper',
		group: ['transform'],
		version: 1,
		description: 'Waits',
		defaults: { name: 'Sleeper' },
		inputs: ['main'],
		outputs: ['main', 'main'],
		properties: [],
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		keepWithExecution(this, KEY, { note: 'a } brace and a "quote"', list: [1, null] });
		const outputs = [[{ json: { from: 'first' } }], [{ json: { from: 'second' } }]];
		return await putToWait(this, outputs, new Date(Date.now() + HOUR_MS));
	}

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		const kept = keptWithExecution(this, KEY) as IDataObject;
		if (this.getBodyData()['fail'] === true) {
			failWhenResumed(this, new NodeOperationError(this.getNode(), 'It failed meanwhile'));
		}
		const none: unknown = keptWithExecution(this, 'other') ?? null;
		return { workflowData: [[{ json: { kept, none: none as null } }], []] };
	}
}

async function sleeping(): Promise<{ run: EngineRun; execution: WaitingExecution }> {
	const node = new Sleeper();
	const run = await runNode({ node, parameters: {}, mode: 'webhook' });
	return { run, execution: new WaitingExecution(run, node, {}) };
}

describe('an execution that is put to wait', () => {
	it('waits for so long, with nothing in its outputs', async () => {
		const before = Date.now();
		const { run, execution } = await sleeping();
		expect(run.status).toBe('waiting');
		const ms = execution.waitTill - before;
		expect(ms).toBeGreaterThanOrEqual(HOUR_MS);
		expect(ms).toBeLessThan(HOUR_MS + 60_000);
		expect([run.output(NODE_NAME, 0), run.output(NODE_NAME, 1)]).toEqual([[], []]);
	});

	it('goes on with its outputs when nobody calls', async () => {
		const { execution } = await sleeping();
		const run = await execution.timeOut();
		expect(run.status).toBe('success');
		expect(jsons(run.output(NODE_NAME, 0))).toEqual([{ from: 'first' }]);
		const second = NEWER ? [{ from: 'second' }] : [];
		expect(jsons(run.output(NODE_NAME, 1))).toEqual(second);
	});

	it('has what was kept with it, and nothing else', async () => {
		const { execution } = await sleeping();
		const { run } = await execution.callBack({});
		expect(jsons(run?.output(NODE_NAME) ?? [])).toEqual([
			{ kept: { note: 'a } brace and a "quote"', list: [1, null] }, none: null },
		]);
	});

	it('fails when it is resumed, if its webhook call says so', async () => {
		const { execution } = await sleeping();
		const { run } = await execution.callBack({ fail: true });
		expect(run?.error?.message).toBe(NEWER ? 'It failed meanwhile' : undefined);
		expect(run?.status).toBe(NEWER ? 'error' : 'success');
	});
});
