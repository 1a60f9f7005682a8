/** The event Approval Needed in n8n's own polls, against the service's stand-in. */
import type { IDataObject } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { appRef, clock, jsonOf, useSandbox } from '../../engine/support.mts';
import { activated, call, manualTest, tellAgent, untilWaiting } from './support.mts';

const sandbox = useSandbox();

const EVENT = { event: 'approvalNeeded' };
const SUPPORT = 'sandbox/support';
/** Asks for two approvals at once. */
const CAREFUL = 'sandbox/careful-support';
/** Asks for one approval after another. */
const INSATIABLE = 'sandbox/insatiable';

const chatIds = (items: readonly IDataObject[]) => items.map(({ chat_id: id }) => id);
const pendingOf = (item: IDataObject | undefined) => (item?.['pending'] ?? []) as IDataObject[];
const reads = () => sandbox().count('GET', /^\/chats\//);

/** Lets an agent come to where it waits. Returns the chat. */
async function waiting(agent: string): Promise<string> {
	const id = await tellAgent(sandbox(), agent);
	await untilWaiting(sandbox(), id);
	return id;
}

const approve = async ({ id }: IDataObject = {}) =>
	await call(sandbox(), `/tools/${String(id)}/invoke`, {});

describe('an agent that waits', () => {
	it('starts the workflow once, with what Agent Message puts out', async () => {
		const workflow = await activated(sandbox(), EVENT);
		const id = await waiting(SUPPORT);
		const [item] = (await workflow.poll()) ?? [];
		expect(item).toEqual({
			text: 'I would refund that.\n\nWaits for approval of: refund (order: A-17, amount: 25)',
			status: 'input_required',
			pending: [
				expect.objectContaining({
					...{ kind: 'approval', tool: 'refund', args: { order: 'A-17', amount: 25 } },
				}),
			],
			files: [],
			tool_invocations: [expect.objectContaining({ tool: 'refund' })],
			chat_id: id,
			message_id: expect.any(String) as string,
			agent: SUPPORT,
		});
		expect(await workflow.poll()).toBeNull();
		await workflow.restart();
		expect(workflow.items).toHaveLength(1);
	});

	it('counts from the activation, and after a restart', async () => {
		await waiting(SUPPORT);
		const workflow = await activated(sandbox(), EVENT);
		expect(await workflow.poll()).toBeNull();
		const first = await waiting(SUPPORT);
		await workflow.poll();
		const second = await waiting(SUPPORT);
		await workflow.restart();
		await workflow.restart();
		expect(chatIds(workflow.items)).toEqual([first, second]);
	});

	it('for the next approval of the same chat starts it again', async () => {
		const workflow = await activated(sandbox(), EVENT);
		const id = await waiting(INSATIABLE);
		await workflow.poll();
		await approve(pendingOf(workflow.items[0])[0]);
		await clock.pass(1_000);
		await untilWaiting(sandbox(), id);
		await workflow.poll();
		expect(chatIds(workflow.items)).toEqual([id, id]);
		const [one, other] = workflow.items.map((item) => pendingOf(item)[0]?.['id']);
		expect(one).not.toBe(other);
	});

	it('for two approvals starts it once, and not again when one is given', async () => {
		const workflow = await activated(sandbox(), EVENT);
		await waiting(CAREFUL);
		const [item] = (await workflow.poll()) ?? [];
		expect(pendingOf(item)).toHaveLength(2);
		await approve(pendingOf(item)[0]);
		await clock.pass(1_000);
		expect(await workflow.poll()).toBeNull();
	});

	it.each([
		{ name: 'its own', agent: SUPPORT, count: 1 },
		{ name: 'another', agent: CAREFUL, count: 0 },
	])('is told if the filter names $name agent', async ({ agent, count }) => {
		const filters = { agent: appRef(agent) };
		const workflow = await activated(sandbox(), { ...EVENT, filters });
		await waiting(SUPPORT);
		await workflow.poll();
		expect(workflow.items).toHaveLength(count);
	});

	it('is not looked at again while it waits', async () => {
		const workflow = await activated(sandbox(), EVENT);
		for (let made = 0; made < 5; made += 1) await waiting(SUPPORT);
		await workflow.poll();
		const before = reads();
		await workflow.poll();
		expect([workflow.items.length, reads() - before]).toEqual([5, 0]);
	});

	it('whose list refuses the filter is found all the same', async () => {
		sandbox().configure({ unknownFilters: ['status'] });
		await tellAgent(sandbox(), 'sandbox/assistant');
		const workflow = await activated(sandbox(), EVENT);
		const id = await waiting(SUPPORT);
		await workflow.poll();
		expect(chatIds(workflow.items)).toEqual([id]);
	});

	it('says why the chats cannot be read', async () => {
		const workflow = await activated(sandbox(), EVENT);
		const id = await waiting(SUPPORT);
		sandbox().fault({ on: 'GET /chats/:id', kind: 'status', status: 500, times: 10 });
		await expect(workflow.poll()).rejects.toThrow(/HTTP 500/);
		sandbox().clearFaults();
		await workflow.poll();
		expect(chatIds(workflow.items)).toEqual([id]);
	});
});

describe('the test in the editor', () => {
	it('gives the chat that waits last', async () => {
		await waiting(SUPPORT);
		await clock.pass(5_000);
		const id = await waiting(CAREFUL);
		expect(chatIds(jsonOf(await manualTest(sandbox(), EVENT)))).toEqual([id]);
	});

	it('says that there is none', async () => {
		await tellAgent(sandbox(), 'sandbox/assistant');
		const { error } = await manualTest(sandbox(), EVENT);
		expect(error?.message).toBe('No agent waits for anybody now');
	});
});
