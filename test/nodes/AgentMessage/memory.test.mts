/** Which conversations a node remembers, and where. */
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { describe, expect, it, vi } from 'vitest';
import type * as NodeModule from '../../../nodes/AgentMessage/AgentMessage.node.ts';
import { agentMessage, saying, type AgentOptions } from './support.mts';
import { NODE_NAME } from '../../engine/engine.mts';
import { credentialsOf, jsonOf, useSandbox } from '../../engine/support.mts';

const sandbox = useSandbox();

/** What n8n keeps of a node between production executions. */
class Saved {
	data: IDataObject = {};

	/** Loads it before a run, and saves it at each look, as n8n does after the run. */
	readonly attach = (context: IExecuteFunctions): void => {
		const data = context.getWorkflowStaticData('node');
		Object.assign(data, structuredClone(this.data));
		this.look = () => structuredClone({ ...data });
	};

	private look = (): IDataObject => this.data;

	/** Ends an execution. */
	save(): void {
		this.data = JSON.parse(JSON.stringify(this.look())) as IDataObject;
	}

	get chats(): Record<string, { chatId: string; at: number }> {
		return (this.data['chats'] ?? {}) as never;
	}
}

/** The node in another n8n process, which has saved data and no memory of its own. */
async function elsewhere(): Promise<Pick<AgentOptions, 'node'>> {
	vi.resetModules();
	const path = '../../../nodes/AgentMessage/AgentMessage.node.ts';
	const { AgentMessage } = (await import(path)) as typeof NodeModule;
	return { node: new AgentMessage() };
}

let nodes = 0;

/** A node in the workflow that no other test has. */
function newNode(): Pick<AgentOptions, 'nodeFields'> {
	nodes += 1;
	return { nodeFields: { id: `memory-${nodes}` } };
}

describe('a conversation', () => {
	it('goes on in another process with what n8n has saved', async () => {
		const saved = new Saved();
		const common = { ...newNode(), conversationKey: 'k', adjustContext: saved.attach };
		await agentMessage(sandbox(), { ...common, items: saying('one') });
		saved.save();
		expect(Object.values(saved.chats)).toEqual([
			{ chatId: sandbox().chats()[0]?.id, at: expect.any(Number) as number },
		]);
		const run = await agentMessage(sandbox(), {
			...common,
			items: saying('two'),
			...(await elsewhere()),
		});
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "two". Before that: "one".' }]);
		saved.data = {};
		const without = await agentMessage(sandbox(), {
			...common,
			items: saying('three'),
			...(await elsewhere()),
		});
		expect(jsonOf(without)).toMatchObject([{ text: 'You said "three".' }]);
	});

	it('goes on where it was last, here or elsewhere', async () => {
		const saved = new Saved();
		const common = { ...newNode(), conversationKey: 'k', adjustContext: saved.attach };
		await agentMessage(sandbox(), { ...common, items: saying('here') });
		const before = sandbox().chats()[0]?.id;
		saved.save();
		const [key = ''] = Object.keys(saved.chats);
		const other = await agentMessage(sandbox(), { items: saying('elsewhere') });
		const chatId = String(jsonOf(other)[0]?.['chat_id']);
		saved.data = { chats: { [key]: { chatId, at: Date.now() + 1_000 } } };
		const later = await agentMessage(sandbox(), { ...common, items: saying('and?') });
		expect(jsonOf(later)).toMatchObject([{ chat_id: chatId }]);
		saved.data = { chats: { [key]: { chatId: before, at: 1 } } };
		const still = await agentMessage(sandbox(), { ...common, items: saying('and?') });
		expect(jsonOf(still)).toMatchObject([{ chat_id: chatId }]);
	});

	it('is kept for each node apart', async () => {
		const conversationKey = 'k';
		await agentMessage(sandbox(), { ...newNode(), conversationKey });
		await agentMessage(sandbox(), { ...newNode(), conversationKey });
		expect(sandbox().chats()).toHaveLength(2);
	});

	it('gives way to newer ones when there are a thousand', async () => {
		const saved = new Saved();
		const old = Array.from({ length: 1_000 }, (_, n) => [
			`old ${n}`,
			{ chatId: `c${n}`, at: n + 1 },
		]);
		saved.data = { chats: Object.fromEntries(old) as IDataObject };
		const common = { ...newNode(), conversationKey: 'k', adjustContext: saved.attach };
		await agentMessage(sandbox(), common);
		saved.save();
		expect(Object.keys(saved.chats)).toHaveLength(1_000);
		expect(saved.chats['old 0']).toBeUndefined();
		expect(saved.chats['old 1']).toEqual({ chatId: 'c1', at: 2 });
	});

	it.each([
		['nothing of use', { chats: 'x' }],
		['an entry without a chat', { chats: { x: {}, y: null } }],
	])('begins anew where %s was saved', async (_what, data) => {
		const saved = new Saved();
		saved.data = data as IDataObject;
		const run = await agentMessage(sandbox(), {
			...newNode(),
			conversationKey: 'k',
			adjustContext: saved.attach,
		});
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "hello".' }]);
	});

	it('of another account is not gone on with', async () => {
		const node = newNode();
		const conversationKey = 'k';
		await agentMessage(sandbox(), { ...node, conversationKey, items: saying('one') });
		const baseUrl = sandbox().url.replace('127.0.0.1', 'localhost');
		const run = await agentMessage(sandbox(), {
			...node,
			conversationKey,
			items: saying('two'),
			credentials: { ...credentialsOf(sandbox()), baseUrl },
		});
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "two".' }]);
		const again = await agentMessage(sandbox(), {
			...node,
			conversationKey,
			items: saying('three'),
		});
		expect(jsonOf(again)).toMatchObject([{ text: 'You said "three". Before that: "one".' }]);
	});

	it.each([403, 404, 410] as const)(
		'whose chat answers %s for good, because it or its key is another one now, begins anew',
		async (status) => {
			const saved = new Saved();
			const node = newNode();
			const common = { ...node, conversationKey: 'k', adjustContext: saved.attach };
			await agentMessage(sandbox(), { ...common, items: saying('one') });
			saved.save();
			const [key = ''] = Object.keys(saved.chats);
			saved.data = { chats: { [key]: { chatId: sandbox().foreignChat(status), at: Date.now() } } };
			const run = await agentMessage(sandbox(), {
				...common,
				...(await elsewhere()),
				items: saying('two'),
			});
			expect(jsonOf(run)).toMatchObject([{ text: 'You said "two".' }]);
			expect(run.hints(NODE_NAME).map(({ message }) => message)).toEqual([
				expect.stringContaining('goes on in a new one'),
			]);
			saved.save();
			expect(saved.chats[key]?.chatId).toBe(jsonOf(run)[0]?.['chat_id']);
		},
	);

	it('that release 0.1.0 has saved goes on', async () => {
		const saved = new Saved();
		const first = await agentMessage(sandbox(), { items: saying('one') });
		const chatId = String(jsonOf(first)[0]?.['chat_id']);
		const old = JSON.stringify(['sandbox/assistant', 'k']);
		saved.data = { chats: { [old]: { chatId, at: 1 } } };
		const run = await agentMessage(sandbox(), {
			...newNode(),
			conversationKey: 'k',
			adjustContext: saved.attach,
			items: saying('two'),
		});
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "two". Before that: "one".' }]);
		saved.save();
		expect(Object.keys(saved.chats)).not.toContain(old);
	});

	it('is not lost when executions that overlap are saved, whoever ends last', async () => {
		const node = newNode();
		const executions = ['a', 'b', 'c', 'd', 'e'].map((key) => ({ key, saved: new Saved() }));
		// Each of them has loaded what was saved before any of them has ended.
		await Promise.all(
			executions.map(async ({ key, saved }) => {
				await agentMessage(sandbox(), {
					...node,
					conversationKey: key,
					adjustContext: saved.attach,
				});
			}),
		);
		for (const { saved } of executions) {
			saved.save();
			expect(Object.keys(saved.chats)).toHaveLength(5);
		}
	});

	it('takes no more for a message when many executions went before it', async () => {
		const node = newNode();
		let written = 0;
		const send = async (conversationKey: string) => {
			let data: IDataObject = {};
			await agentMessage(sandbox(), {
				...node,
				conversationKey,
				adjustContext: (context) => {
					data = context.getWorkflowStaticData('node');
					const counted = new Proxy(data, {
						set: (...change) => {
							written += 1;
							return Reflect.set(...change);
						},
					});
					vi.spyOn(context, 'getWorkflowStaticData').mockReturnValue(counted);
				},
			});
			return data;
		};
		// As long as they are not collected as garbage, they are there.
		const earlier: IDataObject[] = [];
		for (let n = 0; n < 20; n += 1) earlier.push(await send(`earlier ${n}`));
		written = 0;
		await send('now');
		expect(written).toBeLessThan(5);
		for (const data of earlier) expect(Object.keys(data['chats'] ?? {})).toHaveLength(21);
	});
});
