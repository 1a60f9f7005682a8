import type { Timings } from '../settings';
import type { QuietWatch } from '../util/quietWatch';
import type { Api } from './api';
import type { RetryContext } from './retry';

/** What the client brings along to everything that it does. */
export interface ClientContext extends RetryContext {
	readonly api: Api;
	readonly timings: Timings;
	/** Watches streams for silence. */
	readonly quiet: QuietWatch;
}
