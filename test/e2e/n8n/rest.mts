/** n8n's own REST interface, as its editor uses it. */
import type { WorkflowRun } from './n8n.mts';

/** n8n binds a session to the browser that opened it. */
export const BROWSER_ID = 'demo';

const WAIT_MS = 60_000;
const POLL_MS = 100;

/** An execution as n8n has saved it. */
export interface SavedExecution extends WorkflowRun {
	readonly id: string;
	readonly finished: boolean;
	readonly workflowId: string;
	readonly startedAt: string;
	readonly stoppedAt?: string;
}

/** A line of the list of executions. */
export interface ExecutionSummary {
	readonly id: string;
	readonly status: string;
	readonly workflowId: string;
}

interface ExecutionPage {
	readonly results: readonly ExecutionSummary[];
	/** Of an n8n that has pages. */
	readonly nextCursor?: string | null;
}

/** States in which n8n does not work on an execution any more. */
const ENDED = new Set(['success', 'error', 'canceled', 'crashed']);

/** A signed-in user of one n8n. */
export class N8nRest {
	readonly url: string;
	readonly cookie: string;

	constructor(url: string, cookie: string) {
		this.url = url;
		this.cookie = cookie;
	}

	/**
	 * One request.
	 *
	 * @returns the `data` of the answer
	 * @throws Error with n8n's answer if it is a refusal
	 */
	async call<T>(
		method: string,
		path: string,
		body?: object,
		headers: Readonly<Record<string, string>> = {},
	): Promise<T> {
		const response = await fetch(`${this.url}/rest/${path}`, {
			method,
			headers: {
				'content-type': 'application/json',
				'browser-id': BROWSER_ID,
				cookie: this.cookie,
				...headers,
			},
			...(body && { body: JSON.stringify(body) }),
			signal: AbortSignal.timeout(WAIT_MS),
		});
		const text = await response.text();
		if (!response.ok) throw new Error(`n8n: ${method} ${path}: HTTP ${response.status} ${text}`);
		return (JSON.parse(text) as { data: T }).data;
	}

	/** Publishes a workflow: its webhooks and schedules work from now on. */
	async activate(workflowId: string): Promise<void> {
		const { versionId } = await this.call<{ versionId: string }>('GET', `workflows/${workflowId}`);
		await this.call('POST', `workflows/${workflowId}/activate`, { versionId });
	}

	async deactivate(workflowId: string): Promise<void> {
		await this.call('POST', `workflows/${workflowId}/deactivate`, {});
	}

	/** Presses "Execute workflow". */
	async run(workflowId: string, trigger: string): Promise<string> {
		const workflowData = await this.call<object>('GET', `workflows/${workflowId}`);
		const { executionId } = await this.call<{ executionId: string }>(
			'POST',
			`workflows/${workflowId}/run`,
			{ workflowData, triggerToStartFrom: { name: trigger } },
			{ 'push-ref': 'test' },
		);
		return executionId;
	}

	async stop(executionId: string): Promise<void> {
		await this.call('POST', `executions/${executionId}/stop`);
	}

	/**
	 * Presses "Retry execution".
	 *
	 * @returns the id of the new execution, which has ended
	 */
	async retry(executionId: string): Promise<string> {
		const path = `executions/${executionId}/retry`;
		return (await this.call<{ id: string }>('POST', path, { loadWorkflow: false })).id;
	}

	/** The latest hundred executions of a workflow, the newest first. */
	async executions(workflowId: string): Promise<readonly ExecutionSummary[]> {
		return (await this.executionPage(workflowId)).results;
	}

	/** All executions of a workflow, the newest first. */
	async allExecutions(workflowId: string): Promise<readonly ExecutionSummary[]> {
		const all: ExecutionSummary[] = [];
		for (let cursor: string | undefined; ; ) {
			const page = await this.executionPage(workflowId, cursor);
			all.push(...page.results);
			if (typeof page.nextCursor !== 'string') return all;
			cursor = page.nextCursor;
		}
	}

	private async executionPage(workflowId: string, cursor?: string): Promise<ExecutionPage> {
		const query = new URLSearchParams({
			limit: '100',
			filter: JSON.stringify({ workflowId }),
			...(cursor !== undefined && { cursor }),
		});
		return await this.call('GET', `executions?${query.toString()}`);
	}

	async execution(id: string): Promise<SavedExecution> {
		type Saved = Omit<SavedExecution, 'data'> & { readonly data: string };
		const saved = await this.call<Saved>('GET', `executions/${id}`);
		return { ...saved, data: fromFlatted(saved.data) as SavedExecution['data'] };
	}

	/** Waits until n8n has done with an execution, or until it has one of the given states. */
	async executionOnce(
		id: string,
		states: ReadonlySet<string> = ENDED,
		waitMs = WAIT_MS,
	): Promise<SavedExecution> {
		const deadline = Date.now() + waitMs;
		for (;;) {
			const execution = await this.execution(id);
			if (states.has(execution.status)) return execution;
			if (Date.now() > deadline) {
				throw new Error(`Execution ${id} is still "${execution.status}" after ${waitMs} ms.`);
			}
			await new Promise((resolve) => setTimeout(resolve, POLL_MS));
		}
	}
}

/**
 * Decodes n8n's format of saved executions: an array of values in which every text inside an
 * object or array is the place of the value in that array.
 */
export function fromFlatted(text: string): unknown {
	const table = JSON.parse(text) as unknown[];
	const done = new Map<number, unknown>();
	const decode = (place: number): unknown => {
		const value = table[place];
		if (typeof value !== 'object' || value === null) return value;
		if (done.has(place)) return done.get(place);
		const result: Record<string, unknown> | unknown[] = Array.isArray(value) ? [] : {};
		done.set(place, result);
		for (const [key, inner] of Object.entries(value) as Array<[string, unknown]>) {
			Object.assign(result, { [key]: typeof inner === 'string' ? decode(Number(inner)) : inner });
		}
		return result;
	};
	return decode(0);
}
