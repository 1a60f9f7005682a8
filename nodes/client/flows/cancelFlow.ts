import { path } from '../api/api';
import {
	cancelRemote,
	type CancelContext,
	type CancelOutcome,
	type Fate,
} from '../api/cancelRemote';
import { isJsonObject } from '../util/json';
import { flowRunFromWire } from './flowRun';

/** Cancels the run of a flow; see `cancelRemote`. */
export async function cancelFlow(id: string, context: CancelContext): Promise<CancelOutcome> {
	const route = path('flowruns', id);
	return await cancelRemote(
		{
			about: { kind: 'flow run', id },
			route: `${route}/cancel`,
			look: async (ask) => fateOf(await ask({ method: 'GET', path: route })),
		},
		context,
	);
}

function fateOf(answer: unknown): Fate | undefined {
	const run = isJsonObject(answer) ? flowRunFromWire(answer) : undefined;
	if (!run || run.status === 'unknown') return undefined;
	if (run.status === 'cancelled') return 'cancelled';
	return run.terminal ? 'over' : 'running';
}
