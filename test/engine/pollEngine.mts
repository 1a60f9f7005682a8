/** Active workflows with a polling trigger: when n8n calls it, with what, and what it keeps. */
import type {
	IDataObject,
	INode,
	INodeExecutionData,
	INodeParameters,
	INodeType,
	IPollFunctions,
	WorkflowActivateMode,
} from 'n8n-workflow';
import { additionalDataFor, core, NODE_NAME, nodeTypesOf, workflows } from './engine.mts';

export interface PollingOptions {
	readonly node: INodeType;
	readonly parameters: INodeParameters;
	/** Data of the credential. */
	readonly credentials: IDataObject;
	/** What n8n gives a poll, ms; undefined for an n8n that does not say. */
	readonly budgetMs?: number;
}

let workflowsSoFar = 0;

/**
 * A workflow that begins with a polling trigger. As in n8n its static data is saved when it has been
 * activated and when something was emitted, and at no other time.
 */
export class PollingWorkflow {
	/** What has been emitted, an array for each execution. */
	readonly emitted: IDataObject[][] = [];
	private options: PollingOptions;
	private database = '{}';
	private readonly id = `polling-${++workflowsSoFar}`;
	private active: { readonly context: IPollFunctions; readonly save: () => void } | undefined;

	constructor(options: PollingOptions) {
		this.options = options;
	}

	/** Activates it, as n8n does after a click, a restart (`init`) or a change (`update`). */
	async activate(mode: WorkflowActivateMode = 'activate'): Promise<void> {
		const { node, parameters } = this.options;
		const instance: INode = {
			id: 'node-1',
			name: NODE_NAME,
			type: 'test.node',
			typeVersion: 1,
			position: [0, 0],
			parameters: { ...parameters, pollTimes: { item: [{ mode: 'everyMinute' }] } },
			credentials: { inferenceShApi: { id: '1', name: 'Test' } },
		};
		const workflow = new workflows.Workflow({
			id: this.id,
			nodes: [instance],
			connections: {},
			active: true,
			nodeTypes: nodeTypesOf({ [instance.type]: node }),
			staticData: JSON.parse(this.database) as IDataObject,
		});
		const known = workflow.getNode(NODE_NAME) ?? instance;
		const additional = additionalDataFor({ credentials: this.options.credentials }, '1');
		const polling = new core.PollContext(workflow, known, additional, 'trigger', mode);
		// n8n's own types of the two differ in what may be undefined.
		const context = polling as unknown as IPollFunctions;
		const save = () => {
			const { __dataChanged: isChanged } = workflow.staticData;
			if (isChanged === true) this.database = JSON.stringify(workflow.staticData);
		};
		this.active = { context, save };
		await this.poll();
		save();
	}

	/** What happens at a poll time. Returns what it emits, or null. */
	async poll(): Promise<IDataObject[] | null> {
		const { node, budgetMs } = this.options;
		if (!this.active || !node.poll)
			throw new Error('The workflow is not active, or has no trigger');
		const { context, save } = this.active;
		Object.assign(context, {
			getPollBudgetMs: budgetMs === undefined ? undefined : () => budgetMs,
		});
		const found = await node.poll.call(context);
		if (found === null) return null;
		save();
		const items = found.flat().map(({ json }: INodeExecutionData) => json);
		this.emitted.push(items);
		return items;
	}

	/** n8n ends without a word and starts again: what was not saved is gone. */
	async restart(): Promise<void> {
		await this.activate('init');
	}

	/** Saves the workflow with other parameters, or another credential, while it is active. */
	async change(options: Partial<PollingOptions>): Promise<void> {
		this.options = { ...this.options, ...options };
		this.active?.save();
		await this.activate('update');
	}

	/** All items that have been emitted. */
	get items(): IDataObject[] {
		return this.emitted.flat();
	}

	/** Length of what n8n has in its database. */
	get savedLength(): number {
		return this.database.length;
	}
}
