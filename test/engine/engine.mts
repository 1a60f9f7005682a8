/**
 * Runs node classes in the real n8n engine, in this process: parameters, expressions, On Error modes,
 * Retry On Fail, cancellation, hints and streaming are n8n's own code, not a mock of it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type * as N8nCore from 'n8n-core';
import type * as N8nWorkflow from 'n8n-workflow';
import type {
	ExecutionError,
	ICredentialDataDecryptedObject,
	ICredentials,
	ICredentialsExpressionResolveValues,
	ICredentialsHelper,
	IConnections,
	IDataObject,
	IExecuteData,
	IExecuteFunctions,
	IHttpRequestOptions,
	ILoadOptionsFunctions,
	INode,
	INodeCredentialsDetails,
	INodeExecutionData,
	INodeParameters,
	INodeProperties,
	INodeType,
	INodeTypes,
	IPinData,
	IRun,
	IRunData,
	IWorkflowExecuteAdditionalData,
	IWorkflowSettings,
	NodeExecutionHint,
	OnError,
	StructuredChunk,
	WorkflowExecuteMode,
} from 'n8n-workflow';
import { credentialType } from './credentialType.mts';

// n8n-core writes its settings below this folder as soon as it is loaded.
if (process.env['N8N_USER_FOLDER'] === undefined) {
	const home = mkdtempSync(path.join(tmpdir(), 'n8n-engine-'));
	process.env['N8N_USER_FOLDER'] = home;
	process.on('exit', () => rmSync(home, { recursive: true, force: true }));
}
// Of its own accord n8n only does so from 2.0 on; see `useFileBinaryData`.
process.env['N8N_DEFAULT_BINARY_DATA_MODE'] ??= 'filesystem';
// Failing on purpose is what many tests do; n8n would print each stack.
process.env['N8N_LOG_LEVEL'] ??= 'silent';

// `require`, not `import`: n8n-core requires the CommonJS copy of n8n-workflow, and an import would
// bring in a second copy, with error classes of its own.
const host = process.env['N8N_HOST'];
const require = createRequire(host === undefined ? import.meta.url : path.join(host, 'host.js'));
require('reflect-metadata');
/** n8n's engine. */
export const core = require('n8n-core') as typeof N8nCore;
// The copy of the service container that n8n-core itself uses; another has none of its services.
const { Container } = createRequire(require.resolve('n8n-core'))('@n8n/di') as {
	Container: { get<T>(service: abstract new (...args: never[]) => T): T };
};
/** The copy of n8n-workflow that the engine uses. */
export const workflows = require('n8n-workflow') as typeof N8nWorkflow;

/** Name of the node under test in the workflow that `runNode` builds. */
export const NODE_NAME = 'Node';
/** Name of the node that feeds it. */
export const START_NAME = 'Start';

/** What one execution did. */
export interface EngineRun {
	/** `success`, `error`, `canceled` or `waiting`. */
	status: IRun['status'];
	/** The error that ended the execution, if one did. */
	error?: ExecutionError;
	/** Items of one output of a node's last run; empty if it did not run or put nothing there. */
	output(nodeName: string, outputIndex?: number): INodeExecutionData[];
	/** Hints of all runs of a node. */
	hints(nodeName: string): NodeExecutionHint[];
	/** What was streamed to the caller, in order. Only with `streaming: true`. */
	chunks: StructuredChunk[];
	/** What went to the browser's console (manual mode). */
	uiMessages: Array<{ type: string; data: IDataObject | IDataObject[] }>;
	/** Per node, one entry for each run of it. */
	runData: IRunData;
	/** The execution as n8n would save it. */
	raw: IRun;
	workflow: N8nWorkflow.Workflow;
	executionId: string;
}

/** Options of both ways to run something. */
export interface EngineOptions {
	/** Data of every credential; texts of `inferenceShApi` that begin with `=` are expressions. */
	credentials?: IDataObject;
	/** Lets nodes stream to a caller. */
	streaming?: boolean;
	/** Default `manual`. */
	mode?: WorkflowExecuteMode;
	/** Default: one that no other run of this process has. */
	executionId?: string;
	/** The execution is stopped when this settles. */
	cancelAfter?: Promise<unknown>;
	/** The workflow's own timeout comes when this settles. As in n8n it reaches the node as a cancellation. */
	timeoutAfter?: Promise<unknown>;
	/** What the URLs that resume waiting executions begin with. */
	resumeBaseUrl?: string;
	settings?: IWorkflowSettings;
	pinData?: IPinData;
	/** Called with every streamed chunk, when it is sent. */
	onChunk?: (chunk: StructuredChunk) => void;
	/** Called when a node begins to run. */
	onNodeStart?: (nodeName: string) => void;
}

/** Options of `runNode`. */
export interface RunNodeOptions extends EngineOptions {
	node: INodeType;
	parameters: INodeParameters;
	/** Items, or the JSON of items (then without a key `json`). Default: one empty item. */
	items?: INodeExecutionData[] | IDataObject[];
	onError?: OnError;
	retryOnFail?: boolean;
	/** n8n keeps it within 2 and 5. */
	maxTries?: number;
	/** n8n takes 0 for "not set", so the least is 1 ms, the default here. */
	waitBetweenTries?: number;
	/** Helpers that an older n8n would not have, such as `getSecureEgressFilter`. */
	hideHelpers?: string[];
	/** Changes the context before each run of the node: spy on it, replace or remove methods. */
	adjustContext?: (context: IExecuteFunctions) => void;
	/** Called after each run of the node, before n8n waits for another try or goes on. */
	onNodeEnd?: () => void;
	/** More fields of the node in the workflow, such as `alwaysOutputData` or `id`. */
	nodeFields?: Partial<INode>;
}

/** Options of `runWorkflow`. */
export interface RunWorkflowOptions extends EngineOptions {
	nodes: INode[];
	connections: IConnections;
	/** Node classes by the type name used in `nodes`. The first node is the start and needs one, too. */
	nodeTypes: Record<string, INodeType>;
	/** What the first node gets as its input. */
	startItems?: INodeExecutionData[];
}

/** Hands its items on: serves as trigger and as the end of every output. */
class Passthrough implements INodeType {
	description: INodeType['description'] = {
		displayName: 'Passthrough',
		name: 'passthrough',
		group: ['transform'],
		version: 1,
		description: 'Hands its items on',
		defaults: { name: 'Passthrough' },
		inputs: ['main'],
		outputs: ['main'],
		properties: [],
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return [this.getInputData()];
	}
}

/** Type name of the node that hands its items on, known in every workflow run here. */
export const PASSTHROUGH = 'test.passthrough';

const passthrough = new Passthrough();

/** What n8n evaluates expressions of a credential with where there is no execution. */
const MOCK_NODE: INode = {
	id: '',
	name: '',
	typeVersion: 1,
	type: 'mock',
	position: [0, 0],
	parameters: {},
};

/** Credentials as n8n's own helper gives them: defaults filled in, expressions evaluated. */
class CredentialsHelper extends workflows.ICredentialsHelper {
	readonly #stored: ICredentialDataDecryptedObject;

	constructor(stored: IDataObject) {
		super();
		this.#stored = stored as ICredentialDataDecryptedObject;
	}

	getParentTypes(): string[] {
		return [];
	}

	isCredentialUsableByNode(): boolean {
		return true;
	}

	async authenticate(
		credentials: ICredentialDataDecryptedObject,
		_type: string,
		options: IHttpRequestOptions,
	): Promise<IHttpRequestOptions> {
		const { apiKey } = credentials;
		const authorization = `Bearer ${typeof apiKey === 'string' ? apiKey : ''}`;
		return { ...options, headers: { ...options.headers, Authorization: authorization } };
	}

	async preAuthentication(): Promise<undefined> {
		return undefined;
	}

	async runPreAuthentication(): Promise<undefined> {
		return undefined;
	}

	async getCredentials(): Promise<ICredentials> {
		throw new Error('The engine harness has decrypted credentials only');
	}

	async getDecrypted(
		additionalData: IWorkflowExecuteAdditionalData,
		_credential: INodeCredentialsDetails,
		type: string,
		mode: WorkflowExecuteMode,
		executeData?: IExecuteData,
		_raw?: boolean,
		item?: ICredentialsExpressionResolveValues,
	): Promise<ICredentialDataDecryptedObject> {
		if (type !== 'inferenceShApi') return this.#stored;
		const filled = workflows.NodeHelpers.getNodeParameters(
			this.getCredentialsProperties(),
			this.#stored as INodeParameters,
			true,
			false,
			null,
			null,
		) as ICredentialDataDecryptedObject;
		const keys = core.getAdditionalKeys(additionalData, mode, null, { isCredential: true });
		if (item) {
			const { workflow, node, runExecutionData, runIndex, itemIndex, connectionInputData } = item;
			return workflow.expression.getParameterValue(
				filled as INodeParameters,
				runExecutionData,
				runIndex,
				itemIndex,
				node.name,
				connectionInputData,
				mode,
				keys,
				executeData,
				false,
				filled,
			) as ICredentialDataDecryptedObject;
		}
		const workflow = new workflows.Workflow({
			nodes: [MOCK_NODE],
			connections: {},
			active: false,
			nodeTypes: nodeTypesOf({ mock: passthrough }),
		});
		return workflow.expression.getComplexParameterValue(
			MOCK_NODE,
			filled as INodeParameters,
			mode,
			keys,
			undefined,
			undefined,
			filled,
		) as ICredentialDataDecryptedObject;
	}

	getCredentialsProperties(): INodeProperties[] {
		return credentialType.properties;
	}

	async updateCredentials(): Promise<void> {}

	async updateCredentialsOauthTokenData(): Promise<void> {}
}

const notHere = async (): Promise<never> => {
	throw new Error('Not part of the engine harness');
};

/** What n8n gives to an execution besides its workflow. */
export function additionalDataFor(
	options: EngineOptions,
	executionId: string,
): IWorkflowExecuteAdditionalData {
	const base = 'http://127.0.0.1:5678';
	return {
		credentialsHelper: new CredentialsHelper(
			options.credentials ?? {},
		) satisfies ICredentialsHelper,
		externalSecretsProxy: Container.get(core.ExternalSecretsProxy),
		executionId,
		currentNodeExecutionIndex: 0,
		streamingEnabled: options.streaming ?? false,
		restApiUrl: `${base}/rest`,
		instanceBaseUrl: `${base}/`,
		formBaseUrl: `${base}/form`,
		formWaitingBaseUrl: `${base}/form-waiting`,
		formTestBaseUrl: `${base}/form-test`,
		webhookBaseUrl: `${base}/webhook`,
		// Nobody listens there: n8n calls itself at this address.
		webhookWaitingBaseUrl: options.resumeBaseUrl ?? 'http://127.0.0.1:9/webhook-waiting',
		webhookTestBaseUrl: `${base}/webhook-test`,
		mcpBaseUrl: `${base}/mcp`,
		mcpTestBaseUrl: `${base}/mcp-test`,
		variables: {},
		logAiEvent: () => {},
		executeWorkflow: notHere,
		getRunExecutionData: async () => undefined,
		getRuntimeCredential: async () => undefined,
		startRunnerTask: notHere,
	};
}

/** Node classes by their types. */
export function nodeTypesOf(known: Record<string, INodeType>): INodeTypes {
	const byName = (name: string): INodeType => {
		const node = known[name] ?? (name === PASSTHROUGH ? passthrough : undefined);
		if (!node) throw new Error(`No class for the node type ${JSON.stringify(name)}`);
		return node;
	};
	return { getByName: byName, getByNameAndVersion: byName, getKnownTypes: () => ({}) };
}

/** Where the engine tells what happens. */
export function hooksFor(
	workflow: N8nWorkflow.Workflow,
	mode: WorkflowExecuteMode,
	executionId: string,
): N8nCore.ExecutionLifecycleHooks {
	const now = new Date();
	return new core.ExecutionLifecycleHooks(mode, executionId, {
		id: workflow.id,
		name: 'Engine harness',
		nodes: Object.values(workflow.nodes),
		connections: workflow.connectionsBySourceNode,
		active: false,
		isArchived: false,
		activeVersionId: null,
		createdAt: now,
		updatedAt: now,
	});
}

let executions = 0;

/** Runs a whole workflow from its first node. */
export async function runWorkflow(options: RunWorkflowOptions): Promise<EngineRun> {
	const { nodes, connections, mode = 'manual', settings = {}, pinData } = options;
	const executionId = options.executionId ?? String(++executions);
	const workflow = new workflows.Workflow({
		id: 'workflow-1',
		name: 'Engine harness',
		nodes,
		connections,
		active: false,
		nodeTypes: nodeTypesOf(options.nodeTypes),
		settings: { executionOrder: 'v1', ...settings },
		...(pinData && { pinData }),
	});
	const startName = nodes[0]?.name ?? '';
	const start = workflow.getNode(startName);
	if (!start) throw new Error('A workflow needs at least one node');

	const chunks: StructuredChunk[] = [];
	const uiMessages: EngineRun['uiMessages'] = [];
	const hooks = hooksFor(workflow, mode, executionId);
	// n8n, too, has this handler only where a caller waits for a stream.
	if (options.streaming) {
		hooks.addHandler('sendChunk', (chunk) => {
			chunks.push(chunk);
			options.onChunk?.(chunk);
		});
	}
	hooks.addHandler('nodeExecuteBefore', (nodeName) => options.onNodeStart?.(nodeName));

	const additionalData = additionalDataFor(options, executionId);
	additionalData.hooks = hooks;
	additionalData.sendDataToUI = (type, data) => void uiMessages.push({ type, data });
	const runData = workflows.createRunExecutionData({
		executionData: {
			nodeExecutionStack: [
				{ node: start, data: { main: [options.startItems ?? [{ json: {} }]] }, source: null },
			],
		},
		...(pinData && { resultData: { pinData } }),
	});
	const engine = new core.WorkflowExecute(additionalData, mode, runData);

	const execution = engine.processRunExecutionData(workflow);
	void options.cancelAfter?.then(() => execution.cancel());
	void options.timeoutAfter?.then(() => {
		engine.timedOut = true;
		execution.cancel();
	});
	const raw = await execution;

	return engineRun(raw, { chunks, uiMessages, workflow, executionId });
}

/** Views what the engine returns. */
export function engineRun(
	raw: IRun,
	facts: Pick<EngineRun, 'chunks' | 'uiMessages' | 'workflow' | 'executionId'>,
): EngineRun {
	const { chunks, uiMessages, workflow, executionId } = facts;
	const { resultData } = raw.data;
	return {
		status: raw.status,
		...(resultData.error && { error: resultData.error }),
		output: (nodeName, outputIndex = 0) =>
			resultData.runData[nodeName]?.at(-1)?.data?.['main']?.[outputIndex] ?? [],
		hints: (nodeName) => (resultData.runData[nodeName] ?? []).flatMap((run) => run.hints ?? []),
		chunks,
		uiMessages,
		runData: resultData.runData,
		raw,
		workflow,
		executionId,
	};
}

function toItems(items: INodeExecutionData[] | IDataObject[] = [{}]): INodeExecutionData[] {
	return items.map((item) =>
		typeof item['json'] === 'object' && item['json'] !== null
			? (item as INodeExecutionData)
			: { json: item as IDataObject },
	);
}

/** The same node, with a hook into the context of each of its runs. */
function withContext(
	node: INodeType,
	adjust: (context: IExecuteFunctions) => void,
	onEnd: () => void = () => {},
): INodeType {
	const derived = Object.create(node) as INodeType;
	derived.execute = async function (this: IExecuteFunctions, response) {
		adjust(this);
		if (!node.execute) throw new Error(`${node.description.name} has no execute method`);
		return await node.execute.call(this, response).finally(onEnd);
	};
	return derived;
}

function credentialsFor(node: INodeType, credentials?: IDataObject): Pick<INode, 'credentials'> {
	if (!credentials) return {};
	const names = (node.description.credentials ?? []).map(({ name }) => name);
	return {
		credentials: Object.fromEntries(names.map((name) => [name, { id: '1', name: 'Test' }])),
	};
}

function instanceOf(node: INodeType, fields: Partial<INode>): INode {
	const { version, defaultVersion } = node.description;
	return {
		id: 'node-1',
		name: NODE_NAME,
		type: 'test.node',
		typeVersion: defaultVersion ?? [version].flat().at(-1) ?? 1,
		position: [200, 0],
		parameters: {},
		...fields,
	};
}

/**
 * Runs one node, fed by a trigger, with every output of it connected to a node of its own named
 * `Output 0`, `Output 1`, …: the engine moves failed items to the error output (the last one, with
 * `onError: 'continueErrorOutput'`) only where there is something to run after it.
 */
export async function runNode(options: RunNodeOptions): Promise<EngineRun> {
	const { hideHelpers = [], adjustContext, onError, retryOnFail, maxTries } = options;
	const adjust = (context: IExecuteFunctions) => {
		// The helpers belong to this one run of the node.
		const helpers = context.helpers as unknown as Record<string, unknown>;
		for (const name of hideHelpers) delete helpers[name];
		adjustContext?.(context);
	};
	const node = withContext(options.node, adjust, options.onNodeEnd);
	const instance = instanceOf(node, {
		parameters: options.parameters,
		...credentialsFor(node, options.credentials),
		...(onError && { onError }),
		...(retryOnFail !== undefined && {
			retryOnFail,
			waitBetweenTries: Math.max(1, options.waitBetweenTries ?? 1),
		}),
		...(maxTries !== undefined && { maxTries }),
		...options.nodeFields,
	});
	const start: INode = {
		id: 'start-1',
		name: START_NAME,
		type: PASSTHROUGH,
		typeVersion: 1,
		position: [0, 0],
		parameters: {},
	};
	const nodeTypes = { [instance.type]: node };
	const probe = new workflows.Workflow({
		nodes: [instance],
		connections: {},
		active: false,
		nodeTypes: nodeTypesOf(nodeTypes),
	});
	// Resolves outputs that are given as an expression, and adds the error output.
	const outputCount = workflows.NodeHelpers.getNodeOutputs(
		probe,
		probe.getNode(instance.name) ?? instance,
		node.description,
	).length;
	const ends = Array.from({ length: outputCount }, (_, index): INode => {
		return {
			...start,
			id: `output-${index}`,
			name: `Output ${index}`,
			position: [400, index * 100],
		};
	});
	return await runWorkflow({
		...options,
		nodes: [start, instance, ...ends],
		connections: {
			[START_NAME]: { main: [[{ node: instance.name, type: 'main', index: 0 }]] },
			[instance.name]: { main: ends.map(({ name }) => [{ node: name, type: 'main', index: 0 }]) },
		},
		nodeTypes,
		startItems: toItems(options.items),
	});
}

/** The context that n8n gives to a node's pickers (list search, options, resource mapper). */
export function loadOptionsContext(options: {
	node: INodeType;
	parameters: INodeParameters;
	credentials?: IDataObject;
	/** Path of the parameter that is being filled. */
	path?: string;
}): ILoadOptionsFunctions {
	const { node, parameters, credentials, path: parameterPath = 'parameters' } = options;
	const instance = instanceOf(node, { parameters, ...credentialsFor(node, credentials) });
	const workflow = new workflows.Workflow({
		nodes: [instance],
		connections: {},
		active: false,
		nodeTypes: nodeTypesOf({ [instance.type]: node }),
	});
	const additionalData = additionalDataFor({ ...(credentials && { credentials }) }, 'editor');
	additionalData.currentNodeParameters = parameters;
	return new core.LoadOptionsContext(
		workflow,
		workflow.getNode(instance.name) ?? instance,
		additionalData,
		parameterPath,
		// Its class and its interface differ in whether a workflow's name may be undefined.
	) as unknown as ILoadOptionsFunctions;
}

let binaryStorage: Promise<void> | undefined;

/**
 * Makes n8n keep binary data in files from now on, as a real n8n does. Without it binary data is
 * base64 in memory. Lasts for the rest of the process.
 */
export async function useFileBinaryData(): Promise<void> {
	binaryStorage ??= Container.get(core.BinaryDataService).init();
	await binaryStorage;
}

/** The stored bytes behind a binary property, wherever they are kept. */
export async function readBinary(
	binary: NonNullable<INodeExecutionData['binary']>[string],
): Promise<Buffer> {
	if (binary.id === undefined) return Buffer.from(binary.data, 'base64');
	return await Container.get(core.BinaryDataService).getAsBuffer(binary);
}
