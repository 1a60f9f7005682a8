/** What n8n is asked for, and when: in the real engine, with the parameters of Agent Message. */
import type { IDataObject, IExecuteFunctions, INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { AgentMessage } from '../../../nodes/AgentMessage/AgentMessage.node.ts';
import { nameParameters } from '../../../nodes/shared/parameters/displayNames.ts';
import { ItemParameters } from '../../../nodes/shared/parameters/itemParameters.ts';
import { RunParameters } from '../../../nodes/shared/parameters/runParameters.ts';
import { runNode } from '../../engine/engine.mts';

/** What n8n does not run the node without. */
const REQUIRED: INodeParameters = {
	agent: { __rl: true, mode: 'ref', value: 'a/b' },
	message: 'hi',
};
const NOWHERE = "={{ $('Nowhere').item.json.x }}";

/** Does something in the context of a node run, and returns what n8n was asked for meanwhile. */
async function inContext(
	parameters: INodeParameters,
	items: IDataObject[],
	job: (context: IExecuteFunctions) => void,
): Promise<string[]> {
	const asked: string[] = [];
	const node = new AgentMessage();
	node.execute = async function (this: IExecuteFunctions) {
		const original = this.getNodeParameter.bind(this) as (...args: unknown[]) => unknown;
		const spy = (...args: unknown[]) => {
			asked.push(`${String(args[0])} ${String(args[1])}`);
			return original(...args);
		};
		nameParameters(this, node.description.properties);
		job(Object.assign(this, { getNodeParameter: spy }));
		return [[]];
	};
	const { error } = await runNode({
		node,
		parameters: { ...REQUIRED, ...parameters },
		items,
	});
	if (error) throw error;
	return asked;
}

function messageOf(read: () => unknown): string {
	try {
		return `passes as ${JSON.stringify(read())}`;
	} catch (error) {
		return String(error);
	}
}

describe('the parameters of an item', () => {
	it('are read when they are asked for, for the item', async () => {
		const parameters = { message: '=say {{ $json.n }}', chatId: '={{ $json.n }}' };
		const asked = await inContext(parameters, [{ n: 1 }, { n: 2 }], (context) => {
			const [first, second] = [0, 1].map((index) => new ItemParameters(context, index));
			expect(second?.get('message').value).toBe('say 2');
			expect(first?.get('message').value).toBe('say 1');
		});
		expect(asked).toEqual(['message 1', 'message 0']);
	});

	it('without an expression are read once for all items', async () => {
		const parameters = { message: 'hello', options: { context: '{"a": 1}' } };
		const asked = await inContext(parameters, [{}, {}, {}], (context) => {
			for (const index of [0, 1, 2]) {
				const item = new ItemParameters(context, index);
				expect(item.get('message').value).toBe('hello');
				expect(item.options.get('context').jsonObject()).toEqual({ a: 1 });
			}
		});
		expect(asked).toEqual(['message 0', 'options 0']);
	});

	it('whose expression fails are named with their item and what was entered', async () => {
		await inContext({ message: NOWHERE }, [{}, {}], (context) => {
			const read = () => new ItemParameters(context, 1).get('message');
			expect(messageOf(read)).toMatch(
				/Parameter "Message" cannot be read: .*\. Its value is ".*\$\('Nowhere'\).*" \[item 1\]/,
			);
		});
	});

	it('have a fallback where the node has none', async () => {
		await inContext({}, [{}], (context) => {
			const item = new ItemParameters(context, 0);
			expect(item.get('nothing').value).toBe('');
			expect(item.get('nothing.at.all', 5).value).toBe(5);
			expect(item.options.get('nothing', 'x').value).toBe('x');
			expect(item.options.get('nothing').isBlank).toBe(true);
			expect(item.entries('attachments')).toEqual([]);
		});
	});

	it('may be chosen in a picker', async () => {
		const agent = { __rl: true, mode: 'ref', value: '={{ $json.agent }}' };
		const options = { context: { __rl: true, mode: 'id', value: 'key' } };
		await inContext({ agent, options }, [{ agent: 'a/b' }], (context) => {
			const item = new ItemParameters(context, 0);
			expect(item.picked('agent').value).toBe('a/b');
			expect(item.options.picked('context').value).toBe('key');
		});
	});

	it('may be an object that looks like what a picker gives', async () => {
		const options = { context: '={{ { mode: "fast", value: 3 } }}' };
		await inContext({ options }, [{}], (context) => {
			const { options: group } = new ItemParameters(context, 0);
			expect(group.get('context').jsonObject()).toEqual({ mode: 'fast', value: 3 });
		});
	});

	it('in Options are read all at once, once for an item', async () => {
		const options = { context: '={{ $json.key }}', streamAs: 'off' };
		const asked = await inContext({ options }, [{ key: 'a' }], (context) => {
			const item = new ItemParameters(context, 0);
			expect(item.options.get('context').value).toBe('a');
			expect(item.options.get('streamAs').value).toBe('off');
		});
		expect(asked).toEqual(['options 0']);
	});

	it('may be lists of groups of fields', async () => {
		const values = [{ source: 'url', url: '={{ $json.url }}' }, { source: 'binary' }];
		await inContext({ attachments: { values } }, [{ url: 'https://a.example' }], (context) => {
			const entries = new ItemParameters(context, 0).entries('attachments');
			expect(entries.map((entry) => entry.get('source').value)).toEqual(['url', 'binary']);
			expect(entries[0]?.get('url').url()).toBe('https://a.example');
			const where = () => entries[1]?.get('url').url('Part of Attachments.');
			expect(messageOf(where)).toContain('Parameter "URL" is empty [item 0]');
		});
	});

	it('check values from elsewhere, too', async () => {
		await inContext({}, [{}, {}], (context) => {
			const item = new ItemParameters(context, 1);
			const read = () => item.given('List element 4', 'x').jsonObject();
			expect(messageOf(read)).toContain('Parameter "List element 4" is not valid JSON');
			expect(item.error('Message', 'is odd').message).toBe('Parameter "Message" is odd [item 1]');
		});
	});
});

describe('the settings of a run', () => {
	it('come from the first item, but what is wrong with them is no fault of it', async () => {
		await inContext({ timeout: '={{ $json.t }}' }, [{ t: -1 }, { t: 5 }], (context) => {
			const timeout = new RunParameters(context).get('timeout', 600);
			expect(messageOf(() => timeout.duration())).toMatch(/but is -1$/);
		});
	});

	it('among the Options are read one by one: another one may fail', async () => {
		const options = { context: NOWHERE, onStop: 'keep', onTimeout: null };
		const asked = await inContext({ options }, [{}], (context) => {
			const run = new RunParameters(context);
			expect(run.option('onStop', 'cancel').value).toBe('keep');
			expect(run.option('onTimeout', 'cancel').value).toBe('cancel');
			expect(run.option('follow', 'auto').value).toBe('auto');
			expect(messageOf(() => run.option('context', ''))).toContain(
				'Parameter "Chat: Context" cannot be read',
			);
			expect(messageOf(() => new ItemParameters(context, 0).options)).toContain(
				'Parameter "Options" cannot be read',
			);
		});
		expect(asked).toEqual([
			'options.onStop 0',
			'options.onTimeout 0',
			'options.follow 0',
			'options.context 0',
			'options 0',
		]);
	});
});
