/** Starts the service in a process of its own and talks to it. */
import { fork } from 'node:child_process';
import path from 'node:path';

/** What the service can be asked. */
export type Question =
	| { readonly ask: 'address' | 'requests' | 'running' | 'ends' | 'spans' }
	| { readonly ask: 'workspaces'; readonly apiKeys: readonly string[] }
	| { readonly ask: 'reset'; readonly record: boolean; readonly plan: number | undefined };

export interface Address {
	readonly url: string;
	readonly apiKey: string;
}

/** How a task ended: its status, and when, ms since the epoch. */
export interface TaskEnd {
	readonly status: string;
	readonly finishedAt: number;
}

/** A task that has ended: ms since the epoch. */
export interface TaskSpan {
	readonly createdAt: number;
	/** When the plan had room for it. */
	readonly startedAt: number;
	readonly finishedAt: number;
	readonly input: unknown;
}

export type Answer = null | number | Address | readonly TaskEnd[] | readonly TaskSpan[];

/** The service as the benchmark sees it. Disposing of it ends its process. */
export interface Service extends Address, AsyncDisposable {
	/**
	 * Forgets all tasks. `record` counts requests from now on, which costs a little; `plan` is how many
	 * tasks run at once, by default any number.
	 */
	reset(options?: { record?: boolean; plan?: number }): Promise<void>;
	/** Adds workspaces, each with a key of its own. */
	addWorkspaces(apiKeys: readonly string[]): Promise<void>;
	/** Requests since the last reset that asked for them to be recorded. */
	requests(): Promise<number>;
	/** How many tasks have not ended. */
	running(): Promise<number>;
	ends(): Promise<readonly TaskEnd[]>;
	/** All tasks that have ended. */
	spans(): Promise<readonly TaskSpan[]>;
}

/** Longest time for an answer: it is only ever asked between rounds. */
const ANSWER_MS = 10_000;

export async function startService(): Promise<Service> {
	const child = fork(path.join(import.meta.dirname, 'service.mts'), { execArgv: [] });
	const waiting = new Map<number, (answer: Answer) => void>();
	let questions = 0;
	child.on('message', ({ id, answer }: { id: number; answer: Answer }) =>
		waiting.get(id)?.(answer),
	);

	/** The caller knows which answer belongs to which question. */
	async function ask<T extends Answer>(question: Question): Promise<T> {
		const id = ++questions;
		let timer: NodeJS.Timeout | undefined;
		try {
			return await new Promise<T>((resolve, reject) => {
				const fail = () => reject(new Error(`The service did not answer to "${question.ask}"`));
				timer = setTimeout(fail, ANSWER_MS);
				child.once('exit', fail);
				waiting.set(id, (answer) => {
					child.off('exit', fail);
					resolve(answer as T);
				});
				child.send({ id, question });
			});
		} finally {
			clearTimeout(timer);
			waiting.delete(id);
		}
	}

	const address = await ask<Address>({ ask: 'address' });
	return {
		...address,
		async reset({ record = false, plan } = {}) {
			await ask<null>({ ask: 'reset', record, plan });
		},
		async addWorkspaces(apiKeys) {
			await ask<null>({ ask: 'workspaces', apiKeys });
		},
		requests: async () => await ask<number>({ ask: 'requests' }),
		running: async () => await ask<number>({ ask: 'running' }),
		ends: async () => await ask<readonly TaskEnd[]>({ ask: 'ends' }),
		spans: async () => await ask<readonly TaskSpan[]>({ ask: 'spans' }),
		async [Symbol.asyncDispose]() {
			if (child.exitCode !== null) return;
			const ended = new Promise((resolve) => child.once('exit', resolve));
			child.disconnect();
			const timer = setTimeout(() => child.kill('SIGKILL'), 2_000);
			await ended;
			clearTimeout(timer);
		},
	};
}
