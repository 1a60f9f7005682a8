/** Callbacks and the end of the wait, as n8n's web server and its wait tracker bring them about. */
import type {
	IDataObject,
	INodeExecutionData,
	INodeType,
	IRunExecutionData,
	IWebhookData,
	IWorkflowExecuteAdditionalData,
} from 'n8n-workflow';
import {
	additionalDataFor,
	core,
	engineRun,
	hooksFor,
	NODE_NAME,
	type EngineOptions,
	type EngineRun,
} from './engine.mts';

/** An execution that was put to wait, as the database has it. */
export class WaitingExecution {
	/** Nothing but text survives in a database. */
	readonly #saved: string;
	readonly #run: EngineRun;
	readonly #node: INodeType;
	readonly #options: EngineOptions;

	constructor(run: EngineRun, node: INodeType, options: EngineOptions) {
		if (run.status !== 'waiting') {
			throw new Error(`The execution does not wait, it is "${run.status}": ${run.error?.message}`);
		}
		this.#saved = JSON.stringify(run.raw.data);
		this.#run = run;
		this.#node = node;
		this.#options = options;
	}

	/** When n8n goes on by itself. */
	get waitTill(): number {
		return Number(this.#run.raw.waitTill);
	}

	/** Everything that the database has of it. */
	get saved(): string {
		return this.#saved;
	}

	/**
	 * Calls back. The run it answers with is the rest of the execution; without one it stays
	 * waiting.
	 */
	async callBack(body: unknown): Promise<{ status: number; json: unknown; run?: EngineRun }> {
		const data = this.#data();
		delete data.waitTill;
		const [entry] = data.executionData?.nodeExecutionStack ?? [];
		if (!entry || !this.#node.webhook) throw new Error('Nothing of it can be resumed');
		entry.node.disabled = true;
		data.resultData.runData[NODE_NAME]?.pop();
		const answer: { status: number; json: unknown } = { status: 200, json: undefined };
		const response = {
			status(code: number) {
				answer.status = code;
				return response;
			},
			json(sent: unknown) {
				answer.json = sent;
			},
		};
		const additionalData = this.#additionalData();
		Object.assign(additionalData, { httpRequest: { body }, httpResponse: response });
		const { workflow } = this.#run;
		const node = workflow.getNode(NODE_NAME);
		if (!node) throw new Error('The node is gone');
		const context = new core.WebhookContext(
			workflow,
			node,
			additionalData,
			'webhook',
			{} as IWebhookData,
			[],
			data,
			// Its class and its interface differ in whether a workflow's name may be undefined.
		) as unknown as ThisParameterType<NonNullable<INodeType['webhook']>>;
		const answered = await this.#node.webhook.call(context);
		const { workflowData } = answered;
		answer.json ??= answered.webhookResponse as unknown;
		if (!workflowData) return answer;
		entry.data['main'] = workflowData;
		entry.metadata = { ...entry.metadata, forwardAllOutputs: true };
		// On its way to a worker it goes through the database again.
		const sent = JSON.parse(JSON.stringify(data)) as IRunExecutionData;
		return { ...answer, run: await this.#goOn(sent) };
	}

	/** Lets the wait end without a callback. */
	async timeOut(): Promise<EngineRun> {
		return await this.#goOn(this.#data());
	}

	#data(): IRunExecutionData {
		return JSON.parse(this.#saved) as IRunExecutionData;
	}

	#additionalData(): IWorkflowExecuteAdditionalData {
		const additionalData = additionalDataFor(this.#options, this.#run.executionId);
		additionalData.hooks = hooksFor(this.#run.workflow, 'webhook', this.#run.executionId);
		return additionalData;
	}

	async #goOn(data: IRunExecutionData): Promise<EngineRun> {
		const engine = new core.WorkflowExecute(this.#additionalData(), 'webhook', data);
		const raw = await engine.processRunExecutionData(this.#run.workflow);
		return engineRun(raw, this.#run);
	}
}

/** The JSON of items. */
export function jsons(items: readonly INodeExecutionData[]): IDataObject[] {
	return items.map(({ json }) => json);
}
