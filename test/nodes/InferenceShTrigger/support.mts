/** What the tests of the trigger share. */
import type { IDataObject, INodeParameters } from 'n8n-workflow';
import { InferenceShTrigger } from '../../../nodes/InferenceShTrigger/InferenceShTrigger.node.ts';
import { NODE_NAME, runWorkflow, type EngineRun } from '../../engine/engine.mts';
import { PollingWorkflow, type PollingOptions } from '../../engine/pollEngine.mts';
import { credentialsOf } from '../../engine/support.mts';
import type { Sandbox } from '../../sandbox/index.mts';
import { until } from '../../until.mts';

/** Where a service is, and the key for it. */
export type Service = Pick<Sandbox, 'url' | 'apiKey'>;

export type TriggerOptions = Partial<Omit<PollingOptions, 'node'>>;

/** A workflow with the trigger that has just been activated. */
export async function activated(
	sandbox: Service,
	parameters: INodeParameters = {},
	options: TriggerOptions = {},
): Promise<PollingWorkflow> {
	const workflow = inactive(sandbox, parameters, options);
	await workflow.activate();
	return workflow;
}

export function inactive(
	sandbox: Service,
	parameters: INodeParameters = {},
	options: TriggerOptions = {},
): PollingWorkflow {
	const credentials = credentialsOf(sandbox);
	return new PollingWorkflow({
		node: new InferenceShTrigger(),
		credentials,
		parameters,
		...options,
	});
}

/** A test in the editor. */
export async function manualTest(
	sandbox: Service,
	parameters: INodeParameters = {},
): Promise<EngineRun> {
	const node = new InferenceShTrigger();
	return await runWorkflow({
		nodes: [
			{
				id: 'node-1',
				name: NODE_NAME,
				type: 'test.node',
				typeVersion: 1,
				position: [0, 0],
				parameters,
				credentials: { inferenceShApi: { id: '1', name: 'Test' } },
			},
		],
		connections: {},
		nodeTypes: { 'test.node': node },
		credentials: credentialsOf(sandbox),
	});
}

/** Calls the service as somebody else than n8n does. Returns the data of its answer. */
export async function call(
	sandbox: Sandbox,
	path: string,
	body: IDataObject,
): Promise<IDataObject> {
	const answer = await fetch(sandbox.url + path, {
		method: 'POST',
		headers: { Authorization: `Bearer ${sandbox.apiKey}`, 'Content-Type': 'application/json' },
		body: JSON.stringify(body),
	});
	const { data } = (await answer.json()) as { data: IDataObject };
	return data;
}

/** Starts tasks somewhere else. Returns their ids. */
export async function start(sandbox: Sandbox, app: string, count = 1): Promise<string[]> {
	const ids: string[] = [];
	for (let made = 0; made < count; made += 1) {
		const { id } = await call(sandbox, '/apps/run', { app, input: { text: `${made}` } });
		ids.push(String(id));
	}
	return ids;
}

/** Sends a message to an agent somewhere else. Returns the chat. */
export async function tellAgent(sandbox: Sandbox, agent: string, chatId?: string): Promise<string> {
	const body = { agent, input: { text: 'Please refund order A-17' }, chat_id: chatId ?? null };
	const { user_message: message } = await call(sandbox, '/agents/run', body);
	return String((message as IDataObject)['chat_id']);
}

/** Waits until the agent of a chat waits for somebody. */
export async function untilWaiting(sandbox: Sandbox, chatId: string): Promise<void> {
	await until(() => {
		sandbox.keepUp(100);
		const chat = sandbox.chats().find(({ id }) => id === chatId);
		return chat?.state === 'input_required';
	});
}

export const idOf = (item: IDataObject): unknown =>
	item['id'] ?? (item['details'] as IDataObject | undefined)?.['id'];
