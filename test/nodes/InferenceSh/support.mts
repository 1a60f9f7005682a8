/** What the tests of the workspace's node share. */
import type { INodeParameters } from 'n8n-workflow';
import { InferenceSh } from '../../../nodes/InferenceSh/InferenceSh.node.ts';
import { runNode, type EngineRun, type RunNodeOptions } from '../../engine/engine.mts';
import { credentialsOf, QUICK, runApp } from '../../engine/support.mts';
import type { Sandbox } from '../../sandbox/index.mts';

export interface OperationOptions extends Partial<Omit<RunNodeOptions, 'parameters'>> {
	/** Parameters besides resource and operation. */
	parameters?: INodeParameters;
	/** The Options collection, on top of the quick settings. */
	options?: INodeParameters;
}

const { pollInterval: _pollInterval, ...BACKOFFS } = QUICK;

/** Does one operation, such as `task.get`, in the engine. */
export async function operate(
	sandbox: Sandbox,
	what: string,
	options: OperationOptions = {},
): Promise<EngineRun> {
	const [resource = '', operation = ''] = what.split('.');
	const { parameters, options: collection, ...rest } = options;
	const quick = what === 'flow.run' ? QUICK : BACKOFFS;
	return await runNode({
		node: new InferenceSh(),
		credentials: credentialsOf(sandbox),
		...rest,
		parameters: { resource, operation, ...parameters, options: { ...quick, ...collection } },
	});
}

/** Runs as many tasks of an app, and returns their ids, the oldest first. */
export async function ranTasks(
	sandbox: Sandbox,
	count: number,
	app = 'sandbox/instant',
): Promise<readonly string[]> {
	const items = Array.from({ length: count }, (_, n) => ({ n }));
	await runApp(sandbox, { app, items, parameters: { concurrency: 1, wait: 'none' } });
	return sandbox.tasks().map(({ id }) => id);
}
