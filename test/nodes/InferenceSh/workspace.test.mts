/** Files, apps, chats, agents, sessions, knowledge and the account. */
import type { INode, INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { InferenceSh } from '../../../nodes/InferenceSh/InferenceSh.node.ts';
import { NODE_NAME, PASSTHROUGH, runWorkflow } from '../../engine/engine.mts';
import { appRef, credentialsOf, jsonOf, runApp, useSandbox } from '../../engine/support.mts';
import { agentMessage } from '../AgentMessage/support.mts';
import { operate } from './support.mts';

const sandbox = useSandbox();

/** JSON of the output of an operation that succeeds. */
async function outputOf(what: string, parameters: INodeParameters = {}, options = {}) {
	const run = await operate(sandbox(), what, { parameters, ...options });
	expect(run.error).toBeUndefined();
	return jsonOf(run);
}

const TEXT = {
	data: {
		data: Buffer.from('hello').toString('base64'),
		mimeType: 'text/plain',
		fileName: 'a.txt',
	},
};

async function uploaded(): Promise<string> {
	await outputOf('file.upload', {}, { items: [{ json: {}, binary: TEXT }] });
	const [file] = await outputOf('file.getAll');
	return String(file?.['id']);
}

describe('File', () => {
	it('is uploaded, listed, downloaded and deleted', async () => {
		const [up] = await outputOf('file.upload', {}, { items: [{ json: {}, binary: TEXT }] });
		expect(up).toMatchObject({ filename: 'a.txt', content_type: 'text/plain', size: 5 });
		const [file] = await outputOf('file.getAll', { search: 'a.txt' });
		expect(file).toMatchObject({ id: up?.['id'], filename: 'a.txt', uri: up?.['uri'], size: 5 });
		const id = String(up?.['id']);
		for (const named of [id, String(up?.['uri'])]) {
			const run = await operate(sandbox(), 'file.download', {
				parameters: { file: { __rl: true, mode: 'id', value: named }, outputField: 'text' },
			});
			const [item] = run.output(NODE_NAME);
			expect(item?.json).toMatchObject({ filename: expect.stringContaining('.txt') as string });
			expect(item?.binary?.['text']).toMatchObject({ mimeType: 'text/plain' });
		}
		expect(await outputOf('file.delete', { file: id })).toEqual([{ id, deleted: true }]);
		expect(await outputOf('file.getAll')).toEqual([]);
		expect(sandbox().violations()).toEqual([]);
	});

	it('is uploaded anew when it is sent again after it has been deleted', async () => {
		const node = (name: string, operation: string, parameters: INodeParameters): INode => ({
			...{ id: name, name, type: 'test.node', typeVersion: 1, position: [0, 0] },
			parameters: { resource: 'file', operation, ...parameters },
			credentials: { inferenceShApi: { id: '1', name: 'Test' } },
		});
		const data = { binaryProperty: "={{ $('Start').item.binary.data }}" };
		const nodes: INode[] = [
			{ ...node('Start', '', {}), type: PASSTHROUGH },
			node('Upload', 'upload', data),
			node('Delete', 'delete', { file: '={{ $json.id }}' }),
			node('Again', 'upload', data),
		];
		const to = (name: string) => ({ main: [[{ node: name, type: 'main' as const, index: 0 }]] });
		const run = await runWorkflow({
			nodes,
			connections: { Start: to('Upload'), Upload: to('Delete'), Delete: to('Again') },
			nodeTypes: { 'test.node': new InferenceSh() },
			credentials: credentialsOf(sandbox()),
			startItems: [{ json: {}, binary: TEXT }],
		});
		expect(run.error).toBeUndefined();
		const id = run.output('Upload')[0]?.json['id'];
		expect(run.output('Delete')).toMatchObject([{ json: { id, deleted: true } }]);
		const [file, ...more] = sandbox().files();
		expect(more).toEqual([]);
		expect(run.output('Again')).toMatchObject([{ json: { id: file?.id, uri: file?.uri } }]);
		expect(file?.id).not.toBe(id);
	});

	it('has no id if the service does not tell it', async () => {
		const uri = `${sandbox().url}/app/files/a.txt`;
		const data = [{ uri, upload_url: `${sandbox().url}/uploads/nowhere` }];
		const body = JSON.stringify({ data, messages: [] });
		sandbox().fault({ on: 'POST /files', kind: 'body', body });
		sandbox().fault({ on: 'PUT /uploads/:id', kind: 'body', body: '' });
		const [up] = await outputOf('file.upload', {}, { items: [{ json: {}, binary: TEXT }] });
		expect(up).toMatchObject({ id: null, uri });
	});

	it('is found by type and time', async () => {
		await uploaded();
		expect(await outputOf('file.getAll', { filters: { contentType: 'image/' } })).toEqual([]);
		expect(await outputOf('file.getAll', { filters: { contentType: 'text/' } })).toHaveLength(1);
		const old = { createdBefore: '2020-01-01T00:00:00Z' };
		expect(await outputOf('file.getAll', { filters: old })).toEqual([]);
	});

	it('is deleted once: a lost answer is no failure, and what was never there is one', async () => {
		const id = await uploaded();
		sandbox().fault({ on: 'DELETE /files/:id', kind: 'reset', when: 'after' });
		expect(await outputOf('file.delete', { file: id })).toEqual([{ id, deleted: true }]);
		const again = await operate(sandbox(), 'file.delete', { parameters: { file: id } });
		expect(again.error?.message).toContain('It does not exist');
	});

	it.each([1, 5])('is deleted for each item that has it, %d at a time', async (concurrency) => {
		const both = [1, 2].map(() => ({ json: {}, binary: TEXT }));
		const uploads = await outputOf('file.upload', {}, { items: both });
		const [id, other] = uploads.map((file) => file['id']);
		expect(other).toBe(id);
		const items = uploads.map((file) => ({ json: file }));
		const parameters = { file: '={{ $json.id }}', concurrency };
		expect(await outputOf('file.delete', parameters, { items })).toEqual([
			{ id, deleted: true },
			{ id, deleted: true },
		]);
		expect(sandbox().count('DELETE', `/files/${String(id)}`)).toBe(1);
	});

	it.each(['..', 'a/b', ' ', 'https://example.com/x'])('is not asked for by %j', async (file) => {
		const run = await operate(sandbox(), 'file.delete', { parameters: { file } });
		expect(run.error?.message).toMatch(/nothing with the ID|is empty|not its URL/);
		expect(sandbox().requests).toEqual([]);
	});

	it('says so if the item has no such file, or it is too large', async () => {
		const none = await operate(sandbox(), 'file.upload');
		expect(none.error?.message).toContain('the item has no binary field "data"');
		const large = await operate(sandbox(), 'file.download', {
			parameters: { file: await uploaded(), maxFileSize: 0.000001 },
		});
		expect(large.error?.message).toContain('larger than 0.000001 MB');
	});
});

describe('App', () => {
	it('is read with its functions, and found in store and workspace', async () => {
		const [json] = await outputOf('app.get', { app: appRef('sandbox/echo') });
		expect(json).toMatchObject({ app: 'sandbox/echo', status: 'active' });
		expect(json?.['functions']).toEqual([expect.objectContaining({ name: 'run' })]);
		const [raw] = await outputOf('app.get', { app: appRef('sandbox/echo'), simplify: false });
		expect(raw).toHaveProperty('version.input_schema');
		const own = await outputOf('app.search', { where: 'workspace', search: 'echo' });
		expect(own.map(({ app: ref }) => ref)).toContain('sandbox/echo');
		const store = await outputOf('app.search', { limit: 2 });
		expect(store).toHaveLength(2);
	});

	it.each([
		['exact', { confidence: 'exact', microcents: 5_000_000 }, 0.05, 0.05, 0.05],
		['a range', { confidence: 'range', min: 1_000_000, max: '3000000' }, null, 0.01, 0.03],
		['unknown', { confidence: 'unknown', microcents: null }, null, null, null],
	])('has an estimated cost that is %s', async (_what, data, usd, min, max) => {
		const body = JSON.stringify({ data, messages: [] });
		sandbox().fault({ on: 'POST /store/apps/:id/estimate', kind: 'body', body });
		const [json] = await outputOf('app.estimateCost', { app: appRef('sandbox/echo') });
		expect(json).toMatchObject({ usd, min_usd: min, max_usd: max });
	});

	it('must be there', async () => {
		const run = await operate(sandbox(), 'app.get', { parameters: { app: appRef('sandbox/no') } });
		expect(run.error?.message).toContain('There is no such app');
	});
});

describe('Chat and agent', () => {
	it('are listed and read', async () => {
		const sent = jsonOf(await agentMessage(sandbox()));
		const chatId = String(sent[0]?.['chat_id']);
		const [chat] = await outputOf('chat.getAll');
		expect(chat).toMatchObject({ id: chatId, agent: 'sandbox/assistant' });
		expect(await outputOf('chat.getAll', { filters: { status: 'busy' } })).toEqual([]);
		const messages = await outputOf('chat.getMessages', { chatId, returnAll: true });
		expect(messages.map(({ role }) => role)).toEqual(['assistant', 'user']);
		expect(messages[1]).toMatchObject({ chat_id: chatId, text: 'hello', message_error: null });
		const agents = await outputOf('agent.getAll', { returnAll: true });
		expect(agents.map(({ agent }) => agent)).toContain('sandbox/assistant');
		const [one] = await outputOf('agent.get', { agent: appRef('sandbox/assistant') });
		expect(one).toMatchObject({ agent: 'sandbox/assistant', core_app: 'sandbox/llm', tools: [] });
	});

	it('page with cursors in the address', async () => {
		const first = jsonOf(await agentMessage(sandbox()));
		const chatId = String(first[0]?.['chat_id']);
		await agentMessage(sandbox(), { chatId });
		const body = JSON.stringify({
			data: { items: [{ id: 'm' }], has_next: true, next_cursor: 'a+b/c=' },
			messages: [],
		});
		sandbox().fault({ on: 'GET /chats/:id/messages', kind: 'body', body });
		await operate(sandbox(), 'chat.getMessages', { parameters: { chatId, returnAll: true } });
		expect(sandbox().requests.at(-1)?.query).toContain('cursor=a%2Bb%2Fc%3D');
	});
});

describe('Session', () => {
	it('is listed, kept alive and ended, which may be said twice', async () => {
		expect(await outputOf('session.getAll')).toEqual([]);
		await runApp(sandbox(), { app: 'sandbox/counter', options: { session: 'new' } });
		const [session] = await outputOf('session.getAll');
		const sessionId = String(session?.['id']);
		expect(session).toMatchObject({ status: 'active', call_count: 1 });
		const [alive] = await outputOf('session.keepAlive', { sessionId });
		expect(alive).toMatchObject({ id: sessionId, status: 'active' });
		for (const _time of [1, 2]) {
			expect(await outputOf('session.end', { sessionId })).toEqual([
				{ id: sessionId, ended: true },
			]);
		}
		expect(await outputOf('session.getAll')).toEqual([]);
		expect(await outputOf('session.getAll', { onlyActive: false })).toHaveLength(1);
		const late = await operate(sandbox(), 'session.keepAlive', { parameters: { sessionId } });
		expect(late.error?.message).toContain('The session cannot be used');
	});
});

describe('Knowledge', () => {
	it('is searched', async () => {
		const found = await outputOf('knowledge.search', { query: 'how do refunds work', limit: 1 });
		expect(found).toEqual([
			{
				id: 'kn_refunds',
				knowledge: 'sandbox/refunds',
				description: 'How refunds work, and how long they take',
				score: expect.any(Number) as number,
			},
		]);
	});

	it.each([0, 1_000_000])('takes no limit of %d', async (limit) => {
		const run = await operate(sandbox(), 'knowledge.search', { parameters: { query: 'x', limit } });
		expect(run.error?.message).toContain('"Limit" must be a whole number from 1 to 100');
	});
});

describe('Account', () => {
	it('has balance, spending and limits in dollars', async () => {
		await runApp(sandbox(), { app: 'sandbox/priced', items: [{}] });
		const [{ balance_usd: balance } = {}] = await outputOf('account.getBalance');
		expect(balance).toBeLessThanOrEqual(25);
		const [spending] = await outputOf('account.getSpending', { range: '7d' });
		expect(spending).toMatchObject({ range: '7d', total_usd: expect.any(Number) as number });
		const limits = await outputOf('account.getLimits');
		expect(limits.find(({ resource }) => resource === 'storage_mb')).toMatchObject({
			used: 0,
			limit: 10_000,
			unlimited: false,
		});
	});

	it.each([
		[null, null],
		['1250000000', 12.5],
		[-50_000_000, -0.5],
		['a lot', null],
	])('has a balance of %j in microcents as %j', async (balance, usd) => {
		const body = JSON.stringify({ data: { balance }, messages: [] });
		sandbox().fault({ on: 'GET /billing/balance', kind: 'body', body });
		expect(await outputOf('account.getBalance')).toEqual([{ balance_usd: usd }]);
	});

	it('tells amounts by their names, whatever the parts of a breakdown are', async () => {
		const data = {
			total_cost: null,
			per_model: [{ model: 'm', total_cost: '1000000' }],
			timeseries: null,
		};
		const body = JSON.stringify({ data, messages: [] });
		sandbox().fault({ on: 'GET /usage/breakdown', kind: 'body', body });
		expect(await outputOf('account.getSpending')).toEqual([
			{
				range: '1d',
				total_usd: null,
				per_model: [{ model: 'm', total_cost_usd: 0.01 }],
				timeseries: [],
			},
		]);
	});
});
