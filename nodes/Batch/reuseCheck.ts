import { InferenceError } from '../client/errors';
import { orAborted } from '../client/util/cancelSignal';
import { outcomeOf } from '../client/util/outcome';
import type { RunItems } from '../shared/items/itemTask';
import type { NodeRun } from '../shared/run/nodeRun';

/**
 * Refuses to start a batch whose earlier tasks cannot be read, instead of failing thousands of items
 * for that one reason. The first item speaks for all: one of another app or account whose tasks cannot
 * be read fails by itself, and so does what has nothing to do with earlier tasks.
 *
 * @throws InferenceError with the reason
 */
export async function checkReuse(run: NodeRun, items: RunItems): Promise<void> {
	if (!run.settings.reuse || run.memory.hasBegun || items.total === 0) return;
	const asked = await outcomeOf(readFirst(run, items));
	if (!asked.ok) return;
	const { client, request, files } = asked.value;
	const read = await outcomeOf(run.reuse.tasksFor(client, request, files.length > 0));
	if (read.ok) return;
	const { error } = read;
	if (error instanceof InferenceError && error.concern !== 'run') throw error;
}

/** Under which account the first item runs, and what it asks for. */
async function readFirst({ accounts, context, scope }: NodeRun, items: RunItems) {
	const item = items.item(0);
	const { client, forms } = await orAborted(accounts.of(item.itemIndex), scope.signal);
	const { request, files } = await item.request({ context, forms });
	return { client, request, files };
}
