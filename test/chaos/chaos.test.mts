/**
 * A day of faults, in minutes: n8n in queue mode with a proxy between it and the service that drops,
 * delays, cuts, repeats and refuses at random, executions that are stopped, workers that are killed
 * or asked to stop, a main instance that is cut off. At the end there is an account of every item.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';

import { seededIntegers } from '../bench/statistics.mts';
import { DEMO_FOLDER } from '../e2e/n8n/paths.mts';
import { until, useFleet } from '../queue/useFleet.mts';
import { API_KEY } from '../sandbox/index.mts';
import {
	accountOf,
	boughtAt,
	countBy,
	type Account,
	type Bought,
	type Call,
	type Fate,
} from './account.mts';
import { startChaosProxy, type ChaosProxy } from './chaosProxy.mts';
import { secretsIn, watchRedis } from './leaks.mts';
import { KINDS, nameIn, TRIGGER, triggerWorkflow, Workload, type Row } from './workload.mts';

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 600);
const SEED = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** A sequence of its own for each who draws: what happens to requests does not change what is asked. */
function randomFrom(seed: number): () => number {
	const draws = seededIntegers(200_000, [0, 999_999], seed);
	let drawn = 0;
	return () => (draws[drawn++ % draws.length] ?? 0) / 1_000_000;
}
const random = randomFrom(SEED);
const work = new Workload(random);

const EVERY_MS = 7_000;
/** One execution of so many is stopped, within this time. */
const STOPPED = 8;
const STOP_WITHIN_MS = 4_000;
/** People who go on with a chat, turn by turn. */
const TALKERS = 3;
const BETWEEN_TURNS_MS = 6_000;
/** One execution of so many asks again for what an earlier one has asked for. */
const AGAIN = 4;
/** So long after the answer everything that was to be cancelled is. */
const AGAIN_AFTER_MS = 20_000;
/** A worker that is asked to stop has finished by then. */
const PATIENCE_MS = 150_000;
/** By then whatever was begun has its end, and the trigger has told it. */
const SETTLE_MS = 240_000;

/** What happens to n8n, and after which share of the time. */
const DEATHS = [
	{ at: 0.12, how: 'kill', worker: 'worker-1', next: 'worker-3' },
	{ at: 0.3, how: 'stop', worker: 'worker-2', next: 'worker-4' },
	{ at: 0.45, how: 'restart' },
	{ at: 0.65, how: 'kill', worker: 'worker-3', next: 'worker-5' },
	{ at: 0.8, how: 'stop', worker: 'worker-4', next: 'worker-6' },
] as const;

const leaksIn = secretsIn({ 'the key': API_KEY, 'a signature': 'X-Amz-Signature' });

let proxy: ChaosProxy | undefined;
afterAll(async () => await proxy?.[Symbol.asyncDispose]());

const queue = useFleet({
	workers: ['worker-1', 'worker-2'],
	workflows: Object.values(KINDS).map(({ workflow }) => workflow),
	// What is logged is looked through, so let it be as much as possible.
	env: {
		N8N_LOG_LEVEL: 'debug',
		// Executions that have lost both the main instance and their worker: every three hours n8n looks
		// for them if it is not told otherwise.
		N8N_EXECUTIONS_QUEUE_RECOVERY_INTERVAL: '1',
	},
	through: async (sandbox) => {
		proxy = await startChaosProxy(sandbox.url, randomFrom(SEED + 1));
		return proxy.url;
	},
});

const calls: Call[] = [];
/** Secrets that were found, and where. */
const leaks: string[] = [];
/** Calls that have their answer, and when it was there. */
const answered: Array<{ readonly call: Call; readonly at: number }> = [];

/**
 * Has a workflow executed.
 *
 * @returns the answer; undefined if there was none
 */
async function ask(workflow: string, rows: readonly Row[]): Promise<string | undefined> {
	const number = calls.length;
	const call: Call = { workflow, rows, taken: true };
	calls.push(call);
	try {
		const response = await queue.post(workflow, rows, { call: number });
		const text = await response.text();
		leaks.push(...leaksIn(text).map((leak) => `${leak} in an answer`));
		// n8n answers so until it has registered its webhooks.
		if (response.status === 404 || response.status === 503) call.taken = false;
		else answered.push({ call, at: performance.now() });
		return response.ok ? text : undefined;
	} catch {
		// It may have arrived: only n8n's executions can tell.
		call.taken = false;
		return undefined;
	}
}

async function stopSome(workflow: string): Promise<void> {
	if (work.upTo(STOPPED) !== 1) return;
	await pause(random() * STOP_WITHIN_MS);
	try {
		const [id = ''] = await queue.latestExecutions(workflow, 1);
		await queue.fleet.rest.stop(id);
	} catch {
		// It is over by now, or n8n is away.
	}
}

/** What was asked before is asked again, or something new. */
function rowsOf(workflow: string): readonly Row[] {
	if (workflow === 'reads') return readable();
	const isReusing = workflow === 'run' || workflow === 'batch';
	const before = answered.filter(
		({ call, at }) => call.workflow === workflow && performance.now() - at > AGAIN_AFTER_MS,
	);
	const again = before[work.upTo(before.length) - 1];
	if (isReusing && again && work.upTo(AGAIN) === 1) return again.call.rows;
	return work.rowsFor(workflow);
}

/** Asks for a task that has ended. */
function readable(): readonly Row[] {
	const ended = queue.sandbox
		.tasks()
		.filter(({ app, status }) => app === 'sandbox/echo' && status === 'completed');
	const one = ended[work.upTo(ended.length) - 1];
	return one ? work.rowsFor('reads', { task: one.id, of: nameIn(one.input) }) : [];
}

/** Goes on with a chat, turn by turn; which it is the caller keeps, as in queue mode one should. */
async function talk(isOver: () => boolean): Promise<void> {
	let chat: string | undefined;
	while (!isOver()) {
		const workflow = chat === undefined ? 'begin' : 'talk';
		const [answer] = await Promise.all([
			ask(workflow, work.rowsFor(workflow, chat === undefined ? {} : { chat }, 1)),
			stopSome(workflow),
		]);
		chat ??= /"chat_id":"([^"]+)"/.exec(answer ?? '')?.[1];
		await pause(random() * BETWEEN_TURNS_MS);
	}
}

/** Ends n8n's processes and starts others, one after the other. */
async function goThroughDeaths(share: () => number): Promise<void> {
	const { fleet } = queue;
	for (const death of DEATHS) {
		while (share() < death.at) await pause(200);
		say(
			`${Math.round(share() * 100)} %: ${death.how} ${'worker' in death ? death.worker : 'main'}`,
		);
		if (death.how === 'restart') {
			// Of a poll that is cut off between n8n's saving and its starting nobody can tell.
			while (new Date().getSeconds() < 25 || new Date().getSeconds() > 45) await pause(200);
			await fleet.restartMain();
			continue;
		}
		const worker = fleet.workers.get(death.worker);
		if (death.how === 'kill') await worker?.kill();
		await Promise.all([
			fleet.addWorker(death.next),
			death.how === 'stop' && worker?.stop(PATIENCE_MS),
		]);
	}
}

/** The tasks that the trigger has told of, and how many of its executions n8n has kept nothing of. */
async function toldBy(trigger: string) {
	const told: string[] = [];
	let withoutData = 0;
	for (const { id } of await queue.fleet.rest.allExecutions(trigger)) {
		const execution = await queue.fleet.rest.executionOnce(id);
		leaks.push(...leaksIn(JSON.stringify(execution)).map((leak) => `${leak} of the trigger`));
		const items = execution.data.resultData.runData[TRIGGER]?.at(-1)?.data?.main[0];
		if (!items) withoutData += 1;
		for (const { json } of items ?? []) {
			const { id, details } = json as { id?: string; details?: { id?: string } };
			told.push(id ?? details?.id ?? '');
		}
	}
	return { told, withoutData };
}

test(`${SECONDS} s of faults, seed ${SEED}`, async () => {
	const { sandbox, fleet } = queue;
	say(`seed ${SEED}, ${SECONDS} s`);
	sandbox.configure({ filesUrl: proxy?.url });
	using redis = await watchRedis(fleet.redis, leaksIn);
	const { id: trigger } = await fleet.rest.call<{ id: string }>(
		'POST',
		'workflows',
		triggerWorkflow,
	);
	await fleet.rest.activate(trigger);
	// What ends before its first poll is not told; n8n answers earlier.
	await until(() => sandbox.count('POST', '/tasks/list') >= 3);

	const begun = performance.now();
	const share = (): number => (performance.now() - begun) / (SECONDS * 1_000);
	const isOver = (): boolean => share() >= 1;
	const going: Array<Promise<unknown>> = [
		goThroughDeaths(share),
		...Array.from({ length: TALKERS }, () => talk(isOver)),
	];
	const oneOff = Object.keys(KINDS).filter((workflow) => !['begin', 'talk'].includes(workflow));
	while (!isOver()) {
		for (const workflow of oneOff) {
			const rows = rowsOf(workflow);
			if (rows.length > 0) going.push(ask(workflow, rows), stopSome(workflow));
			await pause(EVERY_MS / oneOff.length);
		}
	}
	proxy?.calm();
	await Promise.all(going);
	say('all have their answers');

	const account = await accountOf(fleet.rest, Object.keys(KINDS), calls);
	say('all executions are over');
	leaks.push(...account.texts.flatMap(leaksIn).map((leak) => `${leak} in an execution`));
	const logs = await fleet.logs();
	const log = [...logs.values()].join('\n');
	const runningOn = await untilExplained(account, log);
	const trust = await untilTold(trigger);

	for (const [file, text] of logs) {
		leaks.push(...leaksIn(text).map((leak) => `${leak} in ${file}`));
	}
	const dump = await fleet.dumpDatabase();
	leaks.push(...leaksIn(dump).map((leak) => `${leak} in the database`));
	const bought = boughtAt(sandbox);
	const { fates } = account;
	const kept = { seed: SEED, fates, bought, runningOn, trust, chats: sandbox.chats(), leaks };
	await writeFile(path.join(DEMO_FOLDER, 'chaos.json'), JSON.stringify(kept));
	const reused = fates.filter((fate) => fate.reused === true).length;
	say(
		`items by node and fate: ${JSON.stringify(countBy(fates, (one) => [one.workflow, one.what]))}`,
	);
	say(`bought: ${JSON.stringify(countBy(bought, (one) => [one.what, one.state]))}`);
	say(
		`${calls.length} executions asked for, without data ${JSON.stringify(countBy(account.withoutData, (state) => ['executions', state]))}; ${fates.length} items, ` +
			`${work.asked.size} of them different, ${reused} results reused; ${bought.filter(isPaid).length} bought; ` +
			`${runningOn.length} left to run on: ${JSON.stringify(runningOn)}; ` +
			`trigger: ${trust.told.length} told in ${trust.executions} executions, ${trust.lost.length} lost`,
	);
	say(`requests ${JSON.stringify(Object.fromEntries(proxy?.counts ?? []))}`);
	say(
		`looked for secrets in ${logs.size} logs of ${megabytes(log)}, a database of ${megabytes(dump)}, ` +
			`${redis.commands} commands to Redis`,
	);
	say(`errors ${JSON.stringify(errorsIn(fates))}`);

	const askedAgain = new Set(twiceIn(fates.map(({ row }) => row.name)));
	// Every item has its own result, an honest error, or an execution that was ended.
	expect(fates.filter(({ what }) => what === "another's result" || what === 'no result')).toEqual(
		[],
	);
	expect(fates.flatMap((fate) => dishonestIn(fate, bought, askedAgain))).toEqual([]);
	const lost = new Set(fates.filter(({ what }) => what === 'not kept').map(callOfFate));
	expect(lost.size).toBeLessThanOrEqual(account.withoutData.length);
	for (const workflow of oneOff) {
		expect(fates.some((fate) => fate.workflow === workflow && fate.what === 'own result')).toBe(
			true,
		);
	}
	expect(reused).toBeGreaterThan(0);

	// Nothing was bought twice, and nothing that nobody has asked for.
	const paid = bought.filter(isPaid);
	expect(twiceIn(paid.map(({ what, asked }) => `${what} ${asked}`))).toEqual([]);
	expect(paid.filter(({ name }) => !work.asked.has(name))).toEqual([]);
	expect(runningOn.filter(({ why }) => why === undefined)).toEqual([]);

	expect(brokenConversations(account)).toEqual([]);
	expect(keptFiles(fates)).toEqual([]);

	// The trigger has told each end once.
	expect(twiceIn(trust.told)).toEqual([]);
	if (trust.withoutData === 0) expect(trust.lost).toEqual([]);

	expect(leaks).toEqual([]);
	expect(redis.leaks).toEqual([]);
	// The search would have found something.
	for (const before of ['', '.', '..']) {
		const hidden = Buffer.from(`${before}${API_KEY}...`).toString('base64');
		expect(leaksIn(hidden)).toHaveLength(1);
	}
	expect(dump.includes('sandbox/echo')).toBe(true);
	expect(log.includes('inference.sh: execution')).toBe(true);
	expect(redis.commands).toBeGreaterThan(calls.length);
	expect(sandbox.violations()).toEqual([]);
});

const isPaid = ({ state }: Bought): boolean => state !== 'cancelled';
const callOfFate = ({ call }: Fate): number => call;

function twiceIn(all: readonly string[]): readonly string[] {
	const seen = new Set<string>();
	return all.filter((one) => seen.size === seen.add(one).size);
}

/** Waits until nothing runs on that should have ended, and tells of the rest why it does. */
async function untilExplained({ fates }: Account, log: string) {
	const lost = new Set(
		fates
			.filter(({ what }) => what === 'not kept' || what === 'lost with n8n')
			.map(({ row }) => row.name),
	);
	const unknown = new Set(
		fates
			.filter(({ says }) => JSON.stringify(says)?.includes('It is not known whether'))
			.map(({ row }) => row.name),
	);
	const why = ({ id, name }: Bought): string | undefined => {
		if (lost.has(name)) return 'n8n has kept nothing of its execution';
		if (unknown.has(name)) return 'its fate is not known, and its error says so';
		if (log.includes(`Could not cancel ${id}`))
			return 'could not be cancelled, and the log says so';
		return undefined;
	};
	const runningOn = () =>
		boughtAt(queue.sandbox)
			.filter(({ state }) => state === 'running')
			.map((one) => ({ ...one, why: why(one) }));
	const latest = performance.now() + SETTLE_MS;
	await until(
		() => runningOn().every((one) => one.why !== undefined) || performance.now() > latest,
	);
	return runningOn();
}

/** Waits until the trigger has told of every task that has ended. */
async function untilTold(trigger: string) {
	const latest = performance.now() + SETTLE_MS;
	for (;;) {
		const { told, withoutData } = await toldBy(trigger);
		const known = new Set(told);
		const lost = queue.sandbox
			.tasks()
			.filter(({ id, finishedAt }) => finishedAt !== undefined && !known.has(id))
			.map(({ id }) => id);
		if (lost.length === 0 || performance.now() > latest) {
			const executions = (await queue.fleet.rest.allExecutions(trigger)).length;
			return { told, withoutData, lost, executions };
		}
		await pause(2_000);
	}
}

/** What is not true of an error. */
function dishonestIn(
	{ what, workflow, row, says }: Fate,
	bought: readonly Bought[],
	askedAgain: ReadonlySet<string>,
): readonly object[] {
	if (what !== 'honest error') return [];
	const { error, details, id } = says as {
		error?: string | { message?: string };
		details?: { id?: string };
		id?: string;
	};
	const message = typeof error === 'string' ? error : (error?.message ?? '');
	const its = bought.filter(({ name }) => name === row.name);
	const about = { row, says, its };
	if (message === '') return [{ ...about, wrong: 'says nothing' }];
	const saysNothing = message.includes('Nothing was started') && !askedAgain.has(row.name);
	if (saysNothing && its.some(isPaid)) {
		return [{ ...about, wrong: 'something was started' }];
	}
	const named = bought.find((one) => one.id === (details?.id ?? id));
	return named && named.name !== row.name && !ABOUT_OTHERS.has(workflow)
		? [{ ...about, wrong: 'names the task of another' }]
		: [];
}
/** Errors of these name what others have made: a task that is read, a chat with turns before. */
const ABOUT_OTHERS: ReadonlySet<string> = new Set(['reads', 'talk', 'chat', 'begin']);

/** Errors by their words, without ids and numbers. */
function errorsIn(fates: readonly Fate[]): Record<string, Record<string, number>> {
	const errors = fates.filter(({ what }) => what === 'honest error');
	return countBy(errors, ({ workflow, says }) => {
		const { error } = says as { error?: string | { message?: string } };
		const message = typeof error === 'string' ? error : (error?.message ?? '');
		return [workflow, message.replace(/[0-9a-z]{26}|\d+/g, '…').slice(0, 160)];
	});
}

/** Chats with turns of several people, out of order, or that are not where their results say. */
function brokenConversations({ fates }: Account): readonly object[] {
	const chats = queue.sandbox.chats();
	const runs = new Map(queue.sandbox.agentRuns().map((run) => [run.userMessageId, run]));
	const own = new Set(fates.filter(({ what }) => what === 'own result').map(({ row }) => row.name));
	const sent = new Map<string, number>();
	for (const { messages } of chats) {
		for (const { role, text } of messages) {
			if (role === 'user') sent.set(nameIn(text), (sent.get(nameIn(text)) ?? 0) + 1);
		}
	}
	return chats.flatMap((chat): object[] => {
		const said = chat.messages.filter(({ role }) => role === 'user');
		const people = new Set(said.map(({ text }) => personOf(nameIn(text), chat.id)));
		const wrong: object[] = people.size > 1 ? [{ chat, people: [...people] }] : [];
		// A turn that was given up and tried again may have been overtaken.
		const once = said.map(({ text }) => nameIn(text)).filter((name) => sent.get(name) === 1);
		const order = once.filter((name) => name.startsWith('talk') || name.startsWith('begin'));
		if (order.join() !== order.toSorted((one, two) => numberOf(one) - numberOf(two)).join()) {
			wrong.push({ chat, order });
		}
		for (const message of said) {
			const run = runs.get(message.id);
			const answers = chat.messages.filter(
				({ role, runId }) => role === 'assistant' && runId !== undefined && runId === run?.id,
			);
			const isWhole =
				answers.length === 1 && answers[0]?.text.startsWith(`You said "${message.text}".`);
			if (own.has(nameIn(message.text)) && run?.state === 'completed' && isWhole !== true) {
				wrong.push({ chat, message, answers });
			}
		}
		return wrong;
	});
}

/** Whose conversation a turn belongs to. */
function personOf(name: string, chat: string): unknown {
	const row = work.asked.get(name)?.row;
	return row?.['key'] ?? row?.['chat'] ?? chat;
}

function numberOf(name: string): number {
	return Number(/\d+/.exec(name)?.[0]);
}

/** Files that are still there although they were deleted. */
function keptFiles(fates: readonly Fate[]): readonly string[] {
	const deleted = new Set(
		fates
			.filter(({ workflow, what }) => workflow === 'files' && what === 'own result')
			.map(({ row }) => `${row.name}txt`),
	);
	const names = queue.sandbox.files().map(({ filename }) => filename);
	return names.filter((name) => deleted.has(name));
}

function megabytes(text: string): string {
	return `${(text.length / 1e6).toFixed(1)} MB`;
}

function say(line: string): void {
	console.log(`[chaos] ${line}`);
}

async function pause(ms: number): Promise<void> {
	await new Promise((resolve) => setTimeout(resolve, ms));
}
