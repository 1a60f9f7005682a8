/** From Stop to the end of the last remote task. */
import { pause } from './clock.mts';
import type { Bench, Measure } from './measures.mts';
import { figure } from './statistics.mts';
import type { Service } from './serviceProcess.mts';

const IN_FLIGHT = 50;
const LONGEST_WAIT_MS = 10_000;

/** Resolves when so many tasks run at the service, with the time at which that was seen. */
async function running(service: Service, count: number): Promise<number> {
	const until = Date.now() + LONGEST_WAIT_MS;
	while ((await service.running()) < count) {
		if (Date.now() > until) throw new Error(`There are not ${count} tasks running`);
		await pause(5);
	}
	// So that the node has the answers, too, and follows the tasks.
	await pause(50);
	return Date.now();
}

export async function stop({ service, batch, quick }: Bench): Promise<Measure[]> {
	const cancelled: number[] = [];
	for (let round = 0; round < (quick ? 3 : 7); round += 1) {
		await service.reset();
		const inputs = Array.from({ length: 4 * IN_FLIGHT }, (_, number) => ({ number }));
		const stopped = running(service, IN_FLIGHT);
		const work = { app: 'sandbox/manual', inputs, width: IN_FLIGHT };
		const { status } = await batch.execute(work, { cancelAfter: stopped });
		const stoppedAt = await stopped;
		// The cancelled execution ends before its node does.
		const ends = await cancellations(service);
		if (status !== 'canceled' || ends.length !== IN_FLIGHT) {
			throw new Error(`Stop: ${status}, ${ends.length} tasks were started`);
		}
		cancelled.push(Math.max(...ends) - stoppedAt);
	}
	return [
		{
			id: 'stop',
			what: `Stop → all ${IN_FLIGHT} remote tasks cancelled`,
			unit: 'ms',
			figure: figure(cancelled),
			target: { most: 1_000 },
		},
	];
}

async function cancellations(service: Service): Promise<number[]> {
	const until = Date.now() + LONGEST_WAIT_MS;
	while ((await service.running()) > 0) {
		if (Date.now() > until) throw new Error('Stop leaves tasks running');
		await pause(5);
	}
	const ends = await service.ends();
	return ends.map(({ finishedAt }) => finishedAt);
}
