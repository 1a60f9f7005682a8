/** Workflows for the tests of queue mode: a webhook, one of this package's nodes, an answer. */
import { CREDENTIAL } from '../e2e/demo/demoInstance.mts';

export type Json = Readonly<Record<string, unknown>>;

/** Parameters of a node that makes each item a task. */
export const FROM_ROWS = {
	inputMode: 'item',
	concurrency: 5,
	timeout: 120,
	maxRetries: 3,
	options: {},
};

export const app = (value: string): Json => ({ __rl: true, mode: 'ref', value });

/** A node before the one under test, or below it. */
interface OtherNode {
	readonly name: string;
	readonly type: string;
	readonly typeVersion: number;
	readonly parameters: Readonly<Record<string, unknown>>;
	/** Node settings, such as `onError`. */
	readonly node?: Readonly<Record<string, unknown>>;
}

interface Options {
	readonly id: string;
	/** `runApp` or `batch`, one of another package in full. */
	readonly type: string;
	readonly parameters: Readonly<Record<string, unknown>>;
	/** Of the Webhook node. Default: the last node's items. */
	readonly responseMode?: 'lastNode' | 'onReceived' | 'streaming';
	/** Node settings, such as `onError`. */
	readonly node?: Readonly<Record<string, unknown>>;
	/** What the webhook answers with: an output of the node. Default 0. */
	readonly output?: number;
	/** What the rows go through before. */
	readonly before?: readonly OtherNode[];
	/** What the node under test uses, such as its model. */
	readonly below?: ReadonlyArray<OtherNode & { readonly as: 'ai_languageModel' | 'ai_tool' }>;
}

/** Name of the node under test. */
export const NODE = 'Node';

/** A workflow with a webhook at its id. The body's `rows` are the tasks' inputs. */
export function webhookWorkflow(options: Options): Record<string, unknown> & { id: string } {
	const { id, type, parameters, responseMode = 'lastNode', node, output = 0 } = options;
	const { before = [], below = [] } = options;
	const to = (name: string, as = 'main'): object[] => [{ node: name, type: as, index: 0 }];
	const chain = ['Rows', ...before.map(({ name }) => name), NODE];
	const outputs = Array.from({ length: output + 1 }, (_, index) =>
		index === output ? to('Answer') : [],
	);
	return {
		id,
		name: `Queue mode: ${id}`,
		settings: { executionOrder: 'v1', saveExecutionProgress: false },
		active: false,
		nodes: [
			{
				id: `${id}-webhook`,
				name: 'Webhook',
				type: 'n8n-nodes-base.webhook',
				typeVersion: 2.1,
				position: [0, 0],
				webhookId: id,
				parameters: {
					httpMethod: 'POST',
					path: id,
					responseMode,
					...(responseMode === 'lastNode' && { responseData: 'allEntries' }),
					options: {},
				},
			},
			{
				id: `${id}-rows`,
				name: 'Rows',
				type: 'n8n-nodes-base.splitOut',
				typeVersion: 1,
				position: [200, 0],
				parameters: { fieldToSplitOut: 'body.rows', options: {} },
			},
			...[...before, ...below].map((other, index) => ({
				...withCredential(other.type),
				id: `${id}-${index}`,
				name: other.name,
				typeVersion: other.typeVersion,
				position: [300 + index * 200, 200],
				parameters: other.parameters,
				...other.node,
			})),
			{
				...withCredential(type),
				id: `${id}-node`,
				name: NODE,
				typeVersion: 1,
				position: [400, 0],
				parameters,
				...node,
			},
			{
				id: `${id}-answer`,
				name: 'Answer',
				type: 'n8n-nodes-base.noOp',
				typeVersion: 1,
				position: [600, 0],
				parameters: {},
			},
		],
		connections: {
			Webhook: { main: [to('Rows')] },
			...Object.fromEntries(
				chain.slice(1).map((next, index) => [chain[index], { main: [to(next)] }]),
			),
			...Object.fromEntries(below.map(({ name, as }) => [name, { [as]: [to(NODE, as)] }])),
			[NODE]: { main: outputs },
		},
	};
}

function withCredential(type: string): object {
	if (type.includes('.')) return { type };
	const { type: of, id, name } = CREDENTIAL;
	return { type: `n8n-nodes-inferencesh.${type}`, credentials: { [of]: { id, name } } };
}
