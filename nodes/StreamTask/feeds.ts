import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { systemClock } from '../client/util/clock';
import type { NodeRun } from '../shared/run/nodeRun';
import { asData } from '../shared/output/items';
import { RunParameters } from '../shared/parameters/runParameters';
import { ItemFeed, type ItemFeedOptions } from './itemFeed';

/** Whether tasks are started here or are there already. */
export type Source = 'run' | 'existing';

/**
 * Reads which tasks the node follows; the same for all items.
 *
 * @throws NodeOperationError
 */
export function readSource(context: IExecuteFunctions): Source {
	return new RunParameters(context).get('source', 'run').oneOf(['run', 'existing']);
}

function readFeedOptions(context: IExecuteFunctions): ItemFeedOptions {
	const run = new RunParameters(context);
	return {
		minIntervalMs: run.option('minInterval', 0.5).duration(),
		maxUpdates: run.option('maxUpdates', 1000).number({ min: 0, max: 1_000_000, integer: true }),
		streamAs: run.option('streamAs', 'text').oneOf(['text', 'json', 'off']),
		late: readSource(context) === 'existing',
		clock: systemClock,
	};
}

/** The feeds of all items. They outlive the tries of Retry On Fail, so that nothing comes twice. */
const feedsByRun = new WeakMap<object, Feeds>();

/** What goes on for all items of a node run. */
export class Feeds {
	private readonly byItem = new Map<number, ItemFeed>();
	private updates = 0;

	private constructor(private readonly options: ItemFeedOptions) {}

	/**
	 * The feeds of a node run, from its first try on.
	 *
	 * @throws NodeOperationError for an option that cannot be used
	 */
	static of({ context, memory }: NodeRun): Feeds {
		const feeds = feedsByRun.get(memory.identity) ?? new Feeds(readFeedOptions(context));
		feedsByRun.set(memory.identity, feeds);
		return feeds;
	}

	item(index: number): ItemFeed {
		const nextOrder = () => (this.updates += 1);
		const feed = this.byItem.get(index) ?? new ItemFeed(index, this.options, nextOrder);
		this.byItem.set(index, feed);
		return feed;
	}

	/** The updates of all items, in the order in which they came. */
	items(): INodeExecutionData[] {
		return [...this.byItem.values()]
			.flatMap(({ updates }) => updates)
			.sort((left, right) => left.order - right.order)
			.map(({ update, itemIndex: item }) => ({
				json: asData({ ...update }),
				pairedItem: { item },
			}));
	}

	/** Says how many updates are missing. */
	report({ hints }: NodeRun): void {
		const dropped = [...this.byItem.values()].reduce((sum, feed) => sum + feed.dropped, 0);
		if (dropped === 0) return;
		hints.say(
			`Updates left out: ${dropped}. "Output: Max Updates" keeps the newest ${this.options.maxUpdates} of each item.`,
		);
	}
}
