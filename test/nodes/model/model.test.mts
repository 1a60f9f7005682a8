/**
 * Every item gets its own result or an honest error, nothing is bought that was not asked for, and
 * nothing is left running: random items, faults, Stops and processes.
 *
 * `npm run test:model -- 2000` plays so many rounds, others each time. A round that fails tells how
 * to repeat it. Its plan is the same then, its moments are not quite.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { judge } from './oracle.mts';
import { rounds, type Round } from './plan.mts';
import { play, type Story } from './play.mts';
import { Processes } from './processes.mts';

const COUNT = Number(process.env['MODEL_ROUNDS'] ?? 150);
/** Of the first round; each further one has the next. */
const SEED = Number(process.env['MODEL_SEED'] ?? 1);
/** Of rounds in which something was broken once; they are played besides. */
const BROKEN_ONCE = process.env['MODEL_SEED'] === undefined ? [5_208, 904_834_595] : [];
/** Rounds under way at once: most of the time a round waits. */
const AT_ONCE = Number(process.env['MODEL_AT_ONCE'] ?? 16);
/** No round takes so long, however slow the machine is. */
const HANGS_MS = 120_000;

interface Verdict {
	readonly seed: number;
	readonly round: Round;
	readonly broken: readonly string[];
	readonly story: Story | undefined;
}

async function playAndJudge(round: Round, processes: Processes) {
	let timer: NodeJS.Timeout | undefined;
	const hangs = new Promise<undefined>((resolve) => {
		timer = setTimeout(() => resolve(undefined), HANGS_MS);
	});
	const story = await Promise.race([play(round, processes), hangs]);
	clearTimeout(timer);
	return { story, broken: story ? judge(story) : ['it has not come to an end'] };
}

/** Plays as many rounds as are wanted and returns those in which something was broken. */
async function playAll(processes: Processes): Promise<Verdict[]> {
	const failures: Verdict[] = [];
	const seeds = [...BROKEN_ONCE, ...Array.from({ length: COUNT }, (_, nth) => SEED + nth)].values();
	const player = async () => {
		for (const seed of seeds) {
			const [round] = fc.sample(rounds, { seed, numRuns: 1 });
			if (!round) throw new Error('There is always one');
			const { story, broken } = await playAndJudge(round, processes);
			if (broken.length > 0) failures.push({ seed, round, broken, story });
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, player));
	return failures;
}

function told({ seed, round, broken, story }: Verdict): string {
	const fates = story?.played.map(({ run, ends, said, tookMs }) => {
		const items = ends.map((end) => JSON.stringify(end));
		return [`${run.status} after ${tookMs} ms: ${said}`, ...items].join('\n    ');
	});
	return [
		`MODEL_SEED=${seed} MODEL_ROUNDS=1 npx vitest run test/nodes/model`,
		...broken.map((what) => `  broken: ${what}`),
		JSON.stringify(round),
		...(fates ?? []).map((fate) => `  ${fate}`),
		...(story?.bought ?? []).map(
			({ kind, id, chatId, status, host, key }) =>
				`  bought: ${kind} ${chatId ?? ''} ${id} ${status} ${host ?? 'somebody else'} ${key}`,
		),
	].join('\n');
}

describe('random items, faults, Stops and processes', () => {
	let processes: Processes;
	beforeAll(async () => {
		processes = await Processes.start();
	});

	it(
		'every item gets its own result or an honest error, and nothing is left running',
		{ timeout: 24 * 3_600_000, retry: 0 },
		async () => {
			const failures = await playAll(processes);
			expect(failures.map(told).join('\n\n')).toBe('');
		},
	);
});
