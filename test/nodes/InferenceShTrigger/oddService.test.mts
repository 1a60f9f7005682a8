/** Services that answer oddly: one task or chat that cannot be read, words that nobody knows, lists that leave out. */
import type { IDataObject, NodeApiError } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { appRef, clock } from '../../engine/support.mts';
import { useOddService } from './oddService.mts';
import { activated, idOf } from './support.mts';

const service = useOddService();
const MINUTE = 60_000;
const APPROVAL = { event: 'approvalNeeded' };
const chatOf = ({ chat_id: id }: IDataObject) => id;

/** As the API's page on lists says: with neither agent nor what is waited for. */
const slim = ({
	id,
	status,
	updated_at,
}: {
	id: string;
	status?: unknown;
	updated_at?: unknown;
}) => ({
	...{ id, status, updated_at },
});

describe('a status that nobody knows', () => {
	it.each([13, 'expired', 'TASK_STATUS_REJECTED'])(
		'is an end that failed when the task has an error and changes no more: %s',
		async (status) => {
			const workflow = await activated(service);
			const task = service.task();
			await workflow.poll();
			await clock.pass(MINUTE);
			const updated_at = new Date(clock.now()).toISOString();
			Object.assign(task, { status, error: 'no capacity', updated_at });
			expect(await workflow.poll()).toBeNull();
			await clock.pass(MINUTE);
			await workflow.poll();
			await workflow.poll();
			expect(workflow.items).toHaveLength(1);
			expect(workflow.items[0]?.['error']).toContain('no capacity (its status is "');
			expect(workflow.items[0]?.['details']).toMatchObject({ id: task.id, status: 'failed' });
		},
	);

	it('is none without an error', async () => {
		const workflow = await activated(service);
		service.task({ status: 'paused' });
		await clock.pass(MINUTE);
		expect(await workflow.poll()).toBeNull();
	});
});

describe('one task that cannot be read', () => {
	it.each([500, 403])('does not keep others from being told: HTTP %d', async (status) => {
		const workflow = await activated(service);
		const hidden = service.task();
		await workflow.poll();
		await clock.pass(20 * MINUTE);
		service.rows.tasks.shift();
		service.odd = ({ path }) => (path === `/tasks/${hidden.id}` ? { status } : undefined);
		const { id } = service.done();
		expect((await workflow.poll())?.map(idOf)).toEqual([id]);
	});

	it('is an error as long as there is nothing else to tell, and told when it can be read', async () => {
		service.shown = (row) => ({ ...row, output: undefined });
		const workflow = await activated(service);
		service.odd = ({ path }) => (path === '/tasks/list' ? undefined : { status: 500 });
		const { id } = service.done();
		await expect(workflow.poll()).rejects.toThrow(/HTTP 500/);
		service.odd = () => undefined;
		expect((await workflow.poll())?.map(idOf)).toEqual([id]);
	});

	it('is read when the list shows null for its output', async () => {
		service.shown = (row) => ({ ...row, output: null });
		const workflow = await activated(service);
		service.done();
		expect(await workflow.poll()).toMatchObject([{ output: { text: 'painted' } }]);
	});
});

describe('a list of tasks', () => {
	const asList = (items: unknown): { data: unknown } => ({ data: items });

	it.each([
		{
			name: 'as null while it is empty',
			wrap: (rows: unknown[]) => (rows.length > 0 ? rows : null),
		},
		{ name: 'under another name', wrap: (rows: unknown[]) => ({ results: rows, has_next: false }) },
		{ name: 'inside of data', wrap: (rows: unknown[]) => ({ data: rows }) },
	])('is read $name', async ({ wrap }) => {
		service.odd = ({ path }) =>
			path === '/tasks/list' ? asList(wrap(service.rows.tasks)) : undefined;
		const workflow = await activated(service);
		const { id } = service.done();
		await workflow.poll();
		expect(workflow.items.map(idOf)).toEqual([id]);
	});

	it.each([{ items: { first: {} } }, { items: 'none' }, { tasks: [] }])(
		'that is none is an error, not an empty one: %j',
		async (data) => {
			const workflow = await activated(service);
			service.odd = () => ({ data });
			await expect(workflow.poll()).rejects.toThrow(/in a form that inference.sh does not use/);
		},
	);

	it('of which a page is too large to be read is read in smaller ones', async () => {
		const workflow = await activated(service);
		const made = Array.from({ length: 30 }, () => service.done().id);
		const large = 'x'.repeat(65 * 1024 * 1024);
		service.odd = ({ body }) => (Number(body['limit']) > 10 ? { data: large } : undefined);
		for (let polls = 0; polls < 3; polls += 1) await workflow.poll();
		expect(workflow.items.map(idOf)).toEqual(made);
	});

	it('that comes in smaller pages than was asked for tells of all unfinished tasks', async () => {
		const cap = ({ body }: { body: IDataObject }) => void Object.assign(body, { limit: 10 });
		service.odd = (asked) => (cap(asked), undefined);
		const workflow = await activated(service);
		for (let made = 0; made < 60; made += 1) service.task();
		await workflow.poll();
		await clock.pass(20 * MINUTE);
		service.takeCount();
		await workflow.poll();
		expect(service.asked.filter(({ method }) => method === 'GET')).toEqual([]);
		for (const task of service.rows.tasks) Object.assign(task, { status: 10, output: {} });
		await workflow.poll();
		expect(workflow.items).toHaveLength(60);
	});
});

describe('a poll that fails', () => {
	it.each([{ status: 500 }, { status: 429 }, { status: 429, headers: { 'retry-after': '60' } }])(
		'says what to do, and that nothing is lost: %j',
		async (odd) => {
			const workflow = await activated(service);
			service.odd = () => odd;
			const error: unknown = await workflow.poll().catch((reason: unknown) => reason);
			const { message, description } = error as NodeApiError;
			expect(description).toMatch(/Nothing is lost: the next poll that succeeds goes on/);
			expect(`${message} ${description}`).not.toMatch(/Accepted Wait|Lower "Concurrency"|options/);
		},
	);

	it('because the service is silent says so in a sentence, also with an odd budget', async () => {
		const workflow = await activated(service, {}, { budgetMs: 0 });
		const { id } = service.done();
		expect((await workflow.poll())?.map(idOf)).toEqual([id]);
		await workflow.change({ budgetMs: 5_000 });
		service.odd = () => (void clock.pass(6_000), { status: 503 });
		await expect(workflow.poll()).rejects.toThrow(/^The service/);
	});

	it('at the activation says nothing of a next one', async () => {
		service.odd = () => ({ status: 500 });
		const error: unknown = await activated(service).catch((reason: unknown) => reason);
		expect(String((error as NodeApiError).description)).not.toContain('next poll');
	});
});

describe('one chat that cannot be read', () => {
	it.each([500, 403])('does not keep others from being told: HTTP %d', async (status) => {
		service.shown = slim;
		const workflow = await activated(service, APPROVAL);
		const hidden = service.chat();
		const { id } = service.chat();
		service.odd = ({ path }) => (path === `/chats/${hidden.id}` ? { status } : undefined);
		expect((await workflow.poll())?.map(chatOf)).toEqual([id]);
		await expect(workflow.poll()).rejects.toThrow();
		service.odd = () => undefined;
		expect((await workflow.poll())?.map(chatOf)).toEqual([hidden.id]);
	});

	it('at the activation is no reason not to activate, and is not told later', async () => {
		service.shown = slim;
		const { id } = service.chat();
		service.odd = ({ path }) => (path === `/chats/${id}` ? { status: 500 } : undefined);
		const workflow = await activated(service, APPROVAL);
		service.odd = () => undefined;
		expect(await workflow.poll()).toBeNull();
		await workflow.restart();
		expect(await workflow.poll()).toBeNull();
	});
});

describe('chats whose list does not show what they wait for', () => {
	it('are looked at again, a few at a time, while they do not change', async () => {
		service.shown = slim;
		for (let made = 0; made < 60; made += 1) service.chat();
		const workflow = await activated(service, APPROVAL);
		service.takeCount();
		await workflow.poll();
		expect(service.takeCount()).toBeLessThanOrEqual(41);
		await clock.pass(MINUTE);
		const updated_at = new Date(clock.now()).toISOString();
		Object.assign(service.rows.chats[30] ?? {}, {
			updated_at,
			pending_interrupts: [{ id: 'next' }],
		});
		Object.assign(service.rows.chats[50] ?? {}, { pending_interrupts: [{ id: 'unseen' }] });
		expect((await workflow.poll())?.map(chatOf)).toEqual(['chats30']);
		for (let polls = 0; polls < 4; polls += 1) await workflow.poll();
		expect(workflow.items.map(chatOf)).toEqual(['chats30', 'chats50']);
	});

	it('and that there is no time for at the activation are not told later', async () => {
		service.shown = slim;
		for (let made = 0; made < 30; made += 1) service.chat();
		service.odd = () => {
			for (let ms = 0; ms < 200; ms += 1) clock.tick();
			return undefined;
		};
		const workflow = await activated(service, APPROVAL, { budgetMs: 3_000 });
		const { id } = service.chat();
		for (let polls = 0; polls < 12; polls += 1) await workflow.poll();
		expect(workflow.items.map(chatOf)).toEqual([id]);
	});

	it('are told apart by agent when they are looked at', async () => {
		service.shown = slim;
		const parameters = { ...APPROVAL, filters: { agent: appRef('acme/support') } };
		const workflow = await activated(service, parameters);
		service.chat({ agent: { namespace: 'acme', name: 'other' } });
		const { id } = service.chat();
		await workflow.poll();
		expect(workflow.items.map(chatOf)).toEqual([id]);
	});

	it('and that tell nowhere whose they are say so where an agent is wanted', async () => {
		service.shown = slim;
		const parameters = { ...APPROVAL, filters: { agent: appRef('acme/support') } };
		const workflow = await activated(service, parameters);
		service.chat({ agent: null });
		await expect(workflow.poll()).rejects.toThrow(/does not tell which agent/);
	});
});

describe('the agent of a filter', () => {
	it('that is not there is an error of the activation', async () => {
		service.odd = ({ path }) => (path.startsWith('/agents/') ? { status: 404 } : undefined);
		const parameters = { ...APPROVAL, filters: { agent: appRef('acme/nobody') } };
		await expect(activated(service, parameters)).rejects.toThrow(/"Agent" is acme\/nobody/);
	});

	it('need not be readable with the key', async () => {
		service.odd = ({ path }) => (path.startsWith('/agents/') ? { status: 403 } : undefined);
		const parameters = { ...APPROVAL, filters: { agent: appRef('acme/support') } };
		const workflow = await activated(service, parameters);
		const { id } = service.chat();
		expect((await workflow.poll())?.map(chatOf)).toEqual([id]);
	});
});
