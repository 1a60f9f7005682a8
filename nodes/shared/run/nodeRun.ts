import type { IExecuteFunctions } from 'n8n-workflow';
import type { Deadline } from '../../client/util/deadline';
import { AdaptiveWindow } from './adaptiveWindow';
import { RunAccounts } from './accounts';
import { Connection } from './connection';
import { Costs } from './costs';
import { RunHints } from './hints';
import { Reuse } from './reuse';
import { RetryMemory } from './retryMemory';
import { openRunScope } from './stop';
import { readRunSettings, type NodeRunSettings } from '../parameters/runSettings';
import { TaskJournal } from './taskJournal';

/** What one run of a node works with, from its settings to its end. */
export interface NodeRun {
	readonly context: IExecuteFunctions;
	readonly settings: NodeRunSettings;
	/** Under which account each item runs. */
	readonly accounts: RunAccounts;
	/** Over when the run is. */
	readonly scope: Deadline;
	/** What earlier tries of the same run have achieved. */
	readonly memory: RetryMemory;
	readonly hints: RunHints;
	/** What was bought before and need not be bought again. */
	readonly reuse: Reuse;
	/** What its tasks have really cost. */
	readonly costs: Costs;
	/** Items in flight at once: as many as are asked for, or as the service takes. */
	readonly width: number | AdaptiveWindow;
}

export interface NodeRunOptions<T> {
	/** Part of the total time that is kept for cancelling, ms. */
	cancelReserve?(settings: NodeRunSettings): number;
	/** Whether tasks go on after a Stop or timeout if nobody has said what happens to them. */
	keepTasks?(): boolean;
	/** Whether n8n is going to take this result for a failed run and may try again. */
	looksFailed(result: T): boolean;
}

/**
 * Opens everything that a run of a node needs, does `job`, and closes it again, whatever happens.
 *
 * @throws NodeOperationError for settings that cannot be used; what `job` throws
 */
export async function runNode<T>(
	context: IExecuteFunctions,
	options: NodeRunOptions<T>,
	job: (run: NodeRun) => Promise<T>,
): Promise<T> {
	const settings = readRunSettings(context, options.keepTasks?.() === true ? 'keep' : 'cancel');
	using journal = new TaskJournal(context);
	using scope = openRunScope(context, settings, options.cancelReserve?.(settings));
	using memory = RetryMemory.begin(context, journal);
	const { concurrency, adaptConcurrency } = settings;
	const width = adaptConcurrency ? new AdaptiveWindow(concurrency) : concurrency;
	const hints = new RunHints();
	const costs = new Costs(settings.includeCost, scope.signal, hints);
	const reuse = new Reuse(context, settings.reuse, hints);
	const result = await withAccounts(context, settings, scope, hints, async (accounts) => {
		return await job({ context, settings, accounts, scope, memory, hints, reuse, costs, width });
	}).finally(() => hints.show(context));
	// Last of all: whatever throws before leaves what was achieved to the next try.
	if (!options.looksFailed(result)) memory.succeeded();
	return result;
}

async function withAccounts<T>(
	context: IExecuteFunctions,
	settings: NodeRunSettings,
	scope: Deadline,
	hints: RunHints,
	job: (accounts: RunAccounts) => Promise<T>,
): Promise<T> {
	const connection = Connection.open(context, settings, scope.signal);
	await using accounts = new RunAccounts({ context, scope, hints }, connection);
	return await job(accounts);
}
