/** What the node is compared with: the same work done in other ways. */
import type { IDataObject, IExecuteFunctions, INodeExecutionData, INodeType } from 'n8n-workflow';
import { Agent, request } from 'undici';
import type { LoadedSdk } from '../contract/sdk.mts';
import { NODE_NAME, runNode } from '../engine/engine.mts';
import { machineTime, pause } from './clock.mts';
import type { Address } from './serviceProcess.mts';
import { slide, type Known, type Way, type Work } from './work.mts';

interface TaskAnswer {
	readonly id: string;
	readonly status: number;
	readonly output?: unknown;
}

/** From this number on a task's status is one after which nothing changes any more. */
const TERMINAL_FROM = 10;
const isOver = (task: Pick<TaskAnswer, 'status'>) => task.status >= TERMINAL_FROM;

type RunTask = (app: string, input: object) => Promise<unknown>;

/**
 * The same requests with nothing around them: POST, and unless that answer is terminal the NDJSON
 * stream up to its terminal line. No retries, no limits, no checks.
 */
function bareRequests({ url, apiKey }: Address, dispatcher: Agent): RunTask {
	const common = { authorization: `Bearer ${apiKey}`, 'user-agent': 'n8n-nodes-inferencesh' };
	const headers = { ...common, accept: 'application/json', 'content-type': 'application/json' };
	const streamHeaders = {
		...common,
		accept: 'application/x-ndjson',
		'cache-control': 'no-cache',
		'accept-encoding': 'identity',
	};

	return async (app, input) => {
		const submitted = await request(`${url}/apps/run`, {
			dispatcher,
			method: 'POST',
			headers,
			body: JSON.stringify({ app, input, wait: false }),
		});
		const { data: task } = (await submitted.body.json()) as { data: TaskAnswer };
		if (isOver(task)) return task.output;
		const stream = await request(`${url}/tasks/${task.id}/stream`, {
			dispatcher,
			headers: streamHeaders,
		});
		let rest = '';
		let output: unknown;
		const decoder = new TextDecoder();
		for await (const chunk of stream.body) {
			rest += decoder.decode(chunk as Uint8Array, { stream: true });
			const lines = rest.split('\n');
			rest = lines.pop() ?? '';
			for (const line of lines) {
				const event = JSON.parse(line) as TaskAnswer & { data?: TaskAnswer };
				const update = event.data ?? event;
				if (isOver(update)) output = update.output;
			}
		}
		return output;
	};
}

export function bareUndici(address: Address): Way {
	const outputOf = bareRequests(address, new Agent());
	return {
		name: 'bare undici',
		async run({ app, inputs, width }) {
			const known: Known[] = [];
			await slide(inputs, width, async (input) => {
				known.push({ output: await outputOf(app, input), at: machineTime() });
			});
			return known;
		},
	};
}

/** Bare undici in a node that asks n8n for each item's parameter and credential, as every node has to. */
export function bareNode({ url, apiKey }: Address): Way {
	const dispatcher = new Agent();
	const credential = 'inferenceShApi';
	const nodeFor = (width: number): INodeType => ({
		description: {
			displayName: 'Bare',
			name: 'bare',
			group: ['transform'],
			version: 1,
			description: 'Runs tasks',
			defaults: { name: 'Bare' },
			inputs: ['main'],
			outputs: ['main'],
			credentials: [{ name: credential, required: true }],
			properties: [{ displayName: 'App', name: 'app', type: 'string', default: '' }],
		},
		async execute() {
			const output: INodeExecutionData[] = [];
			await slide([...this.getInputData().entries()], width, async ([index, { json }]) => {
				const app = String(this.getNodeParameter('app', index));
				const key = String((await this.getCredentials(credential, index))['apiKey']);
				const result = await bareRequests({ url, apiKey: key }, dispatcher)(app, json);
				output.push({ json: { output: result as IDataObject }, pairedItem: { item: index } });
			});
			return [output];
		},
	});
	return {
		name: 'bare undici in a node',
		async run({ app, inputs, width }) {
			const { error, output } = await runNode({
				node: nodeFor(width),
				mode: 'trigger',
				credentials: { apiKey, baseUrl: url, maxConcurrency: 0 },
				parameters: { app },
				items: [...inputs],
			});
			if (error) throw error;
			const at = machineTime();
			return output(NODE_NAME).map(({ json }) => ({ output: json['output'], at }));
		},
	};
}

/** The official SDK, with its own defaults but for how it follows a task. */
export function officialSdk(
	{ sdk }: LoadedSdk,
	{ url, apiKey }: Address,
	follow: 'stream' | 'poll',
): Way {
	const client = sdk.inference({ apiKey, baseUrl: url });
	return {
		name: `official SDK, ${follow}`,
		async run({ app, inputs, width }) {
			const known: Known[] = [];
			await slide(inputs, width, async (input) => {
				const task = await client.run({ app, input }, { stream: follow === 'stream' });
				known.push({ output: task.output, at: machineTime() });
			});
			return known;
		},
	};
}

/** How often other nodes ask at best (between 1 and 20 s is usual). */
const POLL_MS = 500;

/** What most n8n nodes do: submit with n8n's HTTP helper, then ask again and again. */
class SubmitAndPoll implements INodeType {
	description: INodeType['description'] = {
		displayName: 'Submit and Poll',
		name: 'submitAndPoll',
		group: ['transform'],
		version: 1,
		description: 'Submits tasks and polls them',
		defaults: { name: 'Submit and Poll' },
		inputs: ['main'],
		outputs: ['main'],
		properties: [],
	};
	readonly known: Known[] = [];
	readonly #work: Work;
	readonly #address: Address;

	constructor(work: Work, address: Address) {
		this.#work = work;
		this.#address = address;
		this.execute = executeWith(this);
	}

	execute: () => Promise<INodeExecutionData[][]>;

	async all(context: IExecuteFunctions): Promise<void> {
		const { app, inputs, width } = this.#work;
		const { url, apiKey } = this.#address;
		const headers = { authorization: `Bearer ${apiKey}` };
		const ask = async (path: string, body?: object): Promise<TaskAnswer> => {
			const answer = (await context.helpers.httpRequest({
				method: body ? 'POST' : 'GET',
				url: url + path,
				headers,
				json: true,
				...(body && { body }),
			})) as { data: TaskAnswer };
			return answer.data;
		};
		await slide(inputs, width, async (input) => {
			let task = await ask('/apps/run', { app, input, wait: false });
			while (!isOver(task)) {
				await pause(POLL_MS);
				task = await ask(`/tasks/${task.id}`);
			}
			this.known.push({ output: task.output, at: machineTime() });
		});
	}
}

/** n8n calls `execute` on its context, so the node has to be brought along. */
function executeWith(node: SubmitAndPoll) {
	return async function (this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		await node.all(this);
		return [[{ json: {} }]];
	} as () => Promise<INodeExecutionData[][]>;
}

export function helperPolling(address: Address): Way {
	return {
		name: `httpRequest helper, polling every ${POLL_MS} ms`,
		async run(work) {
			const node = new SubmitAndPoll(work, address);
			const { error } = await runNode({ node, parameters: {}, mode: 'trigger' });
			if (error) throw error;
			return node.known;
		},
	};
}
