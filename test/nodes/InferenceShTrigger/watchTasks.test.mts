/** Every end is told once and none is lost, whatever the service and n8n do meanwhile. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KnownTasks, type WatchedTask } from '../../../nodes/InferenceShTrigger/knownTasks.ts';
import {
	beginWatch,
	watchTasks,
	type TaskPage,
	type TaskQuestion,
	type TaskSource,
} from '../../../nodes/InferenceShTrigger/watchTasks.ts';

const MINUTE = 60_000;
const DAY_OF_TEST = Date.UTC(2026, 10, 30);
const MOST_SAVED = 250_000;

/** How well the service does what it is asked for. */
interface Manners {
	readonly pageSize: number;
	readonly sorts: boolean;
	readonly filters: boolean;
	readonly tellsTime: boolean;
	/** Whether cursors are places in the list, which shift, or ids in it. */
	readonly cursors: 'places' | 'ids';
}

const GOOD: Manners = {
	...{ pageSize: 100, sorts: true, filters: true, tellsTime: true, cursors: 'ids' },
};

interface Stored extends WatchedTask {
	hasEnded: boolean;
}

const timeOf = (task: Stored | undefined) => task?.createdAt ?? 0;

/** A service with nothing but tasks, on a clock of its own. */
class Service implements TaskSource<Stored> {
	now = DAY_OF_TEST;
	requests = 0;
	readonly stored: Stored[] = [];
	/** What happens between two requests. */
	readonly meanwhile: Array<() => void> = [];

	private readonly manners: Manners;
	/** Lists as they were asked for, with as many tasks. */
	private readonly lists = new Map<string, readonly Stored[]>();
	private readonly byId = new Map<string, Stored>();

	constructor(manners: Manners = GOOD) {
		this.manners = manners;
	}

	create(offsetMs = 0): Stored {
		const id = `task-${String(this.stored.length).padStart(21, '0')}`;
		const task = { id, createdAt: this.now + offsetMs, hasEnded: false, isWanted: true };
		this.stored.push(task);
		this.byId.set(id, task);
		return task;
	}

	async page({ since, order, cursor }: TaskQuestion): Promise<TaskPage<Stored>> {
		const key = `${since} ${order} ${this.stored.length}`;
		const list = this.lists.get(key) ?? this.list(since, order);
		this.lists.set(key, list);
		return this.answer(list, cursor);
	}

	private list(since: number | undefined, order: TaskQuestion['order']): readonly Stored[] {
		const { sorts, filters } = this.manners;
		const all = this.stored.filter(
			({ createdAt = 0 }) => !filters || since === undefined || createdAt >= since,
		);
		const inOrder = all.every((task, at) => at === 0 || timeOf(task) >= timeOf(all[at - 1]))
			? all
			: all.toSorted((left, right) => timeOf(left) - timeOf(right));
		return sorts && order === 'oldestFirst' ? inOrder : inOrder.reverse();
	}

	async unfinished(cursor: string | undefined): Promise<TaskPage<Stored>> {
		return this.answer(
			this.stored.filter(({ hasEnded }) => !hasEnded),
			cursor,
		);
	}

	async look(ids: readonly string[]): Promise<ReadonlyMap<string, Stored | 'gone'>> {
		this.request();
		const some = ids.flatMap((id) => this.byId.get(id) ?? []);
		return new Map(some.map((task) => [task.id, { ...task }]));
	}

	private request(): void {
		this.requests += 1;
		this.meanwhile.shift()?.();
	}

	private answer(list: readonly Stored[], cursor: string | undefined): TaskPage<Stored> {
		const { pageSize, cursors, tellsTime } = this.manners;
		const from =
			cursor === undefined
				? 0
				: cursors === 'places'
					? Number(cursor)
					: list.findIndex(({ id }) => id === cursor) + 1;
		const tasks = list.slice(from, from + pageSize).map((task) => ({ ...task }));
		const to = from + tasks.length;
		const place = cursors === 'places' ? String(to) : tasks.at(-1)?.id;
		this.request();
		return {
			tasks,
			next: to < list.length ? place : undefined,
			now: tellsTime ? Math.floor(this.now / 1000) * 1000 : undefined,
		};
	}
}

/** A workflow with the trigger, as n8n keeps it. */
class Workflow {
	readonly told: string[] = [];
	private inMemory: string;
	private inDatabase: string;

	private readonly service: Service;

	private constructor(service: Service, known: KnownTasks) {
		this.service = service;
		this.inMemory = JSON.stringify(known.saved());
		this.inDatabase = this.inMemory;
	}

	static async activate(service: Service): Promise<Workflow> {
		return new Workflow(service, await beginWatch(service, () => true));
	}

	/** @param requests that there is time for */
	async poll(requests = Infinity): Promise<number> {
		const known = KnownTasks.from(JSON.parse(this.inMemory));
		if (!known) throw new Error('What was saved cannot be read');
		const most = this.service.requests + requests;
		const { ended, error } = await watchTasks(
			this.service,
			known,
			(found) => this.service.requests < most && found.length < 10_000,
		);
		expect(error).toBeUndefined();
		this.inMemory = JSON.stringify(known.saved());
		expect(this.inMemory.length).toBeLessThan(MOST_SAVED);
		if (ended.length > 0) this.inDatabase = this.inMemory;
		this.told.push(...ended.map(({ id }) => id));
		return ended.length;
	}

	/** n8n keeps what it has saved when the workflow was activated, or run the last time. */
	restart(): void {
		this.inMemory = this.inDatabase;
	}

	get savedLength(): number {
		return this.inMemory.length;
	}

	async pollUntilQuiet(requests?: number): Promise<void> {
		const enough = requests === undefined ? 3 : 3 + this.service.stored.length;
		for (let quiet = 0, polls = 0; quiet < enough; polls += 1) {
			expect(polls).toBeLessThan(2_000);
			quiet = (await this.poll(requests)) > 0 ? 0 : quiet + 1;
		}
	}
}

type Step =
	| { readonly do: 'create'; readonly count: number; readonly offsetMs: number }
	| { readonly do: 'end'; readonly share: number; readonly newestFirst: boolean }
	| { readonly do: 'pass'; readonly ms: number }
	| { readonly do: 'poll'; readonly requests: number; readonly meanwhile: readonly Step[] }
	| { readonly do: 'restart' };

const change = fc.oneof(
	fc.record({
		...{ do: fc.constant('create' as const) },
		count: fc.integer({ min: 1, max: 12 }),
		offsetMs: fc.integer({ min: -20_000, max: 20_000 }),
	}),
	fc.record({
		do: fc.constant('end' as const),
		share: fc.double({ min: 0, max: 1, noNaN: true }),
		newestFirst: fc.boolean(),
	}),
);
const step: fc.Arbitrary<Step> = fc.oneof(
	{ weight: 4, arbitrary: change },
	fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 30 * MINUTE }) }),
	{
		weight: 4,
		arbitrary: fc.record({
			do: fc.constant('poll' as const),
			requests: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 4 })),
			meanwhile: fc.array(change, { maxLength: 4 }),
		}),
	},
	fc.constant({ do: 'restart' as const }),
);

const manners: fc.Arbitrary<Manners> = fc.record({
	pageSize: fc.integer({ min: 2, max: 5 }),
	sorts: fc.constant(true),
	filters: fc.constant(true),
	tellsTime: fc.boolean(),
	cursors: fc.constantFrom('places', 'ids'),
});

/** Plays the steps and returns what was told, and what had to be. */
async function play(
	manners: Manners,
	before: readonly Step[],
	steps: readonly Step[],
	requestsAtLast?: number,
): Promise<{ told: string[]; due: string[] }> {
	const service = new Service(manners);
	const due: string[] = [];
	const act = (step: Step): void => {
		if (step.do === 'pass') service.now += step.ms;
		if (step.do === 'create') {
			for (let made = 0; made < step.count; made += 1) service.create(step.offsetMs);
		}
		if (step.do === 'end') {
			const running = service.stored.filter(({ hasEnded }) => !hasEnded);
			if (step.newestFirst) running.reverse();
			for (const task of running.slice(0, Math.ceil(step.share * running.length))) {
				task.hasEnded = true;
				due.push(task.id);
			}
		}
	};
	before.forEach(act);
	due.length = 0;
	const workflow = await Workflow.activate(service);
	for (const step of steps) {
		act(step);
		if (step.do === 'restart') workflow.restart();
		if (step.do === 'poll') {
			service.meanwhile.push(...step.meanwhile.map((change) => () => act(change)));
			await workflow.poll(step.requests);
			service.meanwhile.splice(0).forEach((change) => change());
		}
	}
	await workflow.pollUntilQuiet(requestsAtLast);
	return { told: workflow.told.toSorted(), due: due.toSorted() };
}

const beforehand = fc.array(fc.oneof(change, fc.constant({ do: 'pass' as const, ms: MINUTE })), {
	maxLength: 8,
});

describe('whatever happens at the service and in n8n', () => {
	it('tells each end once', async () => {
		await fc.assert(
			fc.asyncProperty(manners, beforehand, fc.array(step, { maxLength: 40 }), async (...of) => {
				const { told, due } = await play(...of);
				expect(told).toEqual(due);
			}),
			{ numRuns: 80 },
		);
	});

	it('tells each end once if there is time for one request only', async () => {
		await fc.assert(
			fc.asyncProperty(manners, beforehand, fc.array(step, { maxLength: 20 }), async (...of) => {
				const { told, due } = await play(...of, 1);
				expect(told).toEqual(due);
			}),
			{ numRuns: 30 },
		);
	});

	it('tells each end once where the service does not sort, or filter, as it is asked', async () => {
		const patient = step.filter((one) => one.do !== 'poll' || one.requests === Infinity);
		const rough = fc.record({
			...{ pageSize: fc.integer({ min: 2, max: 5 }), tellsTime: fc.boolean() },
			...{ sorts: fc.boolean(), filters: fc.boolean(), cursors: fc.constantFrom('places', 'ids') },
		});
		await fc.assert(
			fc.asyncProperty(rough, beforehand, fc.array(patient, { maxLength: 30 }), async (...of) => {
				const { told, due } = await play(...of);
				expect(told).toEqual(due);
			}),
			{ numRuns: 60 },
		);
	});
});

/** Creates tasks, one each so many milliseconds. */
function createMany(service: Service, count: number, everyMs: number): Stored[] {
	return Array.from({ length: count }, () => {
		service.now += everyMs;
		return service.create();
	});
}

const end = (tasks: readonly Stored[]) => {
	for (const task of tasks) task.hasEnded = true;
};
const ids = (tasks: readonly Stored[]) => tasks.map(({ id }) => id);

describe('many tasks at once', () => {
	it.each([
		{ name: 'within five seconds', everyMs: 1 },
		{ name: 'in the same instant', everyMs: 0 },
		{ name: 'within an hour', everyMs: 720 },
	])('5,000 that have begun and ended $name since the last look are told in one', async (burst) => {
		const service = new Service();
		const workflow = await Workflow.activate(service);
		const tasks = createMany(service, 5_000, burst.everyMs);
		end(tasks);
		await workflow.poll();
		expect(workflow.told.toSorted()).toEqual(ids(tasks));
		await workflow.pollUntilQuiet();
		workflow.restart();
		await workflow.pollUntilQuiet();
		expect(workflow.told).toHaveLength(5_000);
	});

	it('a queue of 5,000 is watched, and told as it ends, whatever comes after it', async () => {
		const service = new Service();
		const queue = createMany(service, 2_500, 1);
		const workflow = await Workflow.activate(service);
		queue.push(...createMany(service, 2_500, 1));
		await workflow.pollUntilQuiet();
		for (let hour = 0; hour < 10; hour += 1) {
			service.now += 60 * MINUTE;
			const quick = createMany(service, 1_000, 100);
			end(quick);
			end(queue.splice(0, 500));
			await workflow.poll();
		}
		await workflow.pollUntilQuiet();
		workflow.restart();
		await workflow.pollUntilQuiet();
		expect(workflow.told.toSorted()).toEqual(ids(service.stored));
	});

	it('of more than it can remember, the rest is told when there is room again', async () => {
		const service = new Service();
		const workflow = await Workflow.activate(service);
		const queue = createMany(service, 5_000, 1);
		await workflow.pollUntilQuiet();
		const quick = createMany(service, 9_000, 1);
		end(quick);
		await workflow.pollUntilQuiet();
		while (queue.length > 0) {
			end(queue.splice(0, 2_500));
			await workflow.pollUntilQuiet();
		}
		expect(workflow.told.toSorted()).toEqual(ids(service.stored));
	});

	it('what is looked at does not grow with what has ended, nor what is saved', async () => {
		const service = new Service();
		const workflow = await Workflow.activate(service);
		const [slow] = createMany(service, 1, 1);
		const costs: number[] = [];
		for (let minute = 0; minute < 300; minute += 1) {
			end(createMany(service, 20, 3_000));
			const before = service.requests;
			await workflow.poll();
			costs.push(service.requests - before);
		}
		expect(workflow.told).toHaveLength(6_000);
		expect(Math.max(...costs.slice(10))).toBeLessThanOrEqual(3);
		expect(workflow.savedLength).toBeLessThan(3_000);
		if (slow) end([slow]);
		await workflow.poll();
		expect(workflow.told.at(-1)).toBe(slow?.id);
	});
});

describe('what was saved', () => {
	it.each([
		{ name: 'a time that is none', damage: { since: 1e300 } },
		{ name: 'times that are none', damage: { since: -1e300, floor: 'x', reached: 9e15 } },
		{ name: 'an id that is none', damage: { open: ' ! a  ' } },
	])('with $name is of use all the same', async ({ damage }) => {
		const service = new Service();
		end(createMany(service, 3, 1));
		const saved = (await beginWatch(service, () => true)).saved();
		const known = KnownTasks.from({ ...saved, ...damage });
		const tasks = createMany(service, 3, 1);
		end(tasks);
		if (!known) throw new Error('It is not taken for what was saved');
		const { ended, error } = await watchTasks(service, known, () => true);
		expect([ids(ended), error]).toEqual([ids(tasks), undefined]);
		expect(known.unfinished).not.toContain('');
		expect(new Date(known.from ?? 0).getTime()).not.toBeNaN();
	});

	it('keeps unfinished tasks when more was put back than there is room for', async () => {
		const service = new Service();
		const known = await beginWatch(service, () => true);
		const [slow] = createMany(service, 1, 1);
		await watchTasks(service, known, () => true);
		for (let at = 0; at < 5_000; at += 1) known.putBack(`put-back-${String(at).padStart(18, '0')}`);
		service.look = async (wanted) => {
			const some = service.stored.filter(({ id }) => wanted.includes(id));
			return new Map(some.map((task) => [task.id, { ...task }]));
		};
		await watchTasks(service, known, () => true);
		expect(known.unfinished).toContain(slow?.id);
	});
});

describe('a service in trouble', () => {
	it('that fails in the middle costs nothing: what was read is told, the rest the next time', async () => {
		const service = new Service({ ...GOOD, pageSize: 10 });
		const known = await beginWatch(service, () => true);
		const tasks = createMany(service, 40, 1);
		end(tasks);
		const fail = () => {
			throw new Error('away');
		};
		service.meanwhile.push(() => {}, fail);
		const first = await watchTasks(service, known, () => true);
		expect([ids(first.ended), first.error]).toEqual([ids(tasks.slice(0, 10)), new Error('away')]);
		const second = await watchTasks(service, known, () => true);
		expect([ids(second.ended), second.error]).toEqual([ids(tasks.slice(10)), undefined]);
	});

	it('that gives the same cursor for ever is asked once more and no longer', async () => {
		const service = new Service();
		const workflow = await Workflow.activate(service);
		const page = service.page.bind(service);
		service.page = async (question) => ({ ...(await page(question)), next: 'again' });
		end(createMany(service, 3, 1));
		await workflow.poll();
		expect(workflow.told).toHaveLength(3);
		expect(service.requests).toBeLessThan(8);
	});

	it.each([
		{ name: 'empty pages', again: false, apartMs: 1 },
		{ name: 'empty pages, to tasks of one instant', again: false, apartMs: 0 },
		{ name: 'the same page', again: true, apartMs: 1 },
	])('that gives $name with other cursors for ever is left after a while', async (of) => {
		const service = new Service();
		createMany(service, 3, of.apartMs);
		const page = service.page.bind(service);
		service.page = async (question) => {
			const { tasks, now } = await page({ ...question, cursor: undefined });
			const isFirst = question.cursor === undefined;
			return { tasks: isFirst || of.again ? tasks : [], next: `${service.requests}`, now };
		};
		const workflow = await Workflow.activate(service);
		const due: Stored[] = [];
		for (let polls = 0; polls < 4; polls += 1) {
			const fresh = createMany(service, 2, of.apartMs);
			end(fresh);
			due.push(...fresh);
			const before = service.requests;
			// Time for fewer pages than it takes to see that they bring nothing, too.
			await workflow.poll(polls % 2 === 0 ? Infinity : 20);
			expect(service.requests - before).toBeLessThan(60);
			service.now += 5 * MINUTE;
		}
		expect(workflow.told).toEqual(ids(due));
	});

	it.each(['certainly', 'maybe'] as const)(
		'that does not say where a list goes on (%s) is asked for what comes after the last task',
		async (goesOn) => {
			const service = new Service();
			createMany(service, 1, 1);
			const workflow = await Workflow.activate(service);
			const page = service.page.bind(service);
			service.page = async (question) => {
				const { next, ...rest } = await page(question);
				return { ...rest, next: undefined, goesOn: next === undefined ? undefined : goesOn };
			};
			const tasks = createMany(service, 250, 1);
			end(tasks);
			service.now += MINUTE;
			await workflow.poll();
			expect(workflow.told).toEqual(ids(tasks));
		},
	);

	it('that does not say where a list of one instant goes on is not believed to have no more', async () => {
		const service = new Service();
		const known = await beginWatch(service, () => true);
		const page = service.page.bind(service);
		service.page = async (question) => {
			return { ...(await page(question)), next: undefined, goesOn: 'certainly' };
		};
		end(createMany(service, 150, 0));
		const { error } = await watchTasks(service, known, () => true);
		expect(error).toEqual(expect.objectContaining({ code: 'protocol' }));
	});

	it('that is too slow for all that is there at the activation: it is not told later', async () => {
		const service = new Service({ ...GOOD, pageSize: 10 });
		end(createMany(service, 200, 1));
		service.now += MINUTE;
		const known = await beginWatch(service, () => service.requests < 4);
		const fresh = createMany(service, 5, 1);
		end(fresh);
		const { ended } = await watchTasks(service, known, () => true);
		expect(ids(ended)).toEqual(ids(fresh));
	});

	it('that has lost an unfinished task is asked for it twice', async () => {
		const service = new Service();
		const workflow = await Workflow.activate(service);
		const [task] = createMany(service, 1, 1);
		await workflow.poll();
		service.look = async (wanted) => {
			service.requests += 1;
			return new Map(wanted.map((id) => [id, 'gone'] as const));
		};
		service.stored.length = 0;
		service.now += 60 * MINUTE;
		const costs: number[] = [];
		for (let polls = 0; polls < 4; polls += 1) {
			const before = service.requests;
			await workflow.poll();
			costs.push(service.requests - before);
		}
		expect(costs).toEqual([2, 2, 1, 1]);
		expect([workflow.told, task?.hasEnded]).toEqual([[], false]);
	});
});
