/** A batch whose tasks were all bought before. */
import type { Bench, Measure } from './measures.mts';
import { figure } from './statistics.mts';
import { texts } from './work.mts';

const WIDTH = 20;
/** How long the tasks would take, ms. */
const LENGTH_MS = 2_000;

export async function reusing({ service, batch, quick }: Bench): Promise<Measure[]> {
	const inputs = texts(quick ? 500 : 5_000);
	const work = { app: 'bench/archived', inputs, width: WIDTH };
	const running = (inputs.length * LENGTH_MS) / WIDTH;
	await service.reset({ record: true });
	const bought = await batch.execute(work);
	if (bought.error) throw bought.error;
	const times: number[] = [];
	const requests: number[] = [];
	for (let round = 0; round < 3; round += 1) {
		const before = await service.requests();
		const started = performance.now();
		const { error } = await batch.execute(work, { options: { reuse: 'completed' } });
		if (error) throw error;
		times.push((performance.now() - started) / running);
		requests.push((await service.requests()) - before);
		const spent = (await service.spans()).length - inputs.length;
		if (spent !== 0) throw new Error(`${spent} tasks were bought again`);
	}
	const of = `${inputs.length.toLocaleString('en-US')} earlier tasks, rows of 30 kB`;
	return [
		{
			id: 'reuse.time',
			what: `Reuse of ${of}: time ÷ running them`,
			unit: '×',
			figure: figure(times),
			target: { most: 0.1 },
			note: `tasks of ${LENGTH_MS / 1_000} s, ${WIDTH} at once without any pause: ${running / 1_000} s, not measured`,
		},
		{
			id: 'reuse.requests',
			what: 'the same: requests',
			unit: '',
			figure: figure(requests),
			target: { most: 60 },
		},
	];
}
