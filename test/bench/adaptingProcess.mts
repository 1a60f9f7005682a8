/** One of several batches that share a plan, each in a process of its own. */
import { BatchNode } from './batchNode.mts';
import { seededIntegers } from './statistics.mts';

const LENGTHS = [50, 950] as const;
/** The most with Adapt Concurrency. */
const MOST = 50;

const [dist = '', url = '', apiKey = '', node = '0', items = '0', width = ''] =
	process.argv.slice(2);
const batch = new BatchNode(dist, { url, apiKey });
const fixed = width === '' ? undefined : Number(width);
const work = {
	app: 'bench/timed',
	inputs: seededIntegers(Number(items), LENGTHS, 1 + Number(node)).map((ms) => ({
		ms,
		node: Number(node),
	})),
	width: fixed ?? MOST,
};

async function run(): Promise<void> {
	const options = fixed === undefined ? { adaptConcurrency: true } : {};
	const { error } = await batch.execute(work, { options });
	if (error) throw error;
}

// All begin at the same moment, when everything is loaded.
process.once('message', () => {
	void run().then(() => process.send?.('done', () => process.disconnect()));
});
process.send?.('ready');
