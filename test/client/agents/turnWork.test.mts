/** Turns of many messages: what is done for each event must not grow with them. */
import { expect, it } from 'vitest';
import { Turn } from '../../../nodes/client/agents/turn.ts';
import { walkedBy } from '../../workMeters.mts';

const REF = { chatId: 'c1', userMessageId: 'u1', assistantMessageId: 'm0', answered: [] };

const message = (order: number, more: object = {}) => ({
	id: `m${order}`,
	chat_id: 'c1',
	role: 'assistant',
	status: 'ready',
	order,
	content: 'text',
	tool_invocations: [],
	...more,
});
/** A turn of which the service shows no run, so that its messages have to tell. */
function turnOf(size: number): Turn {
	const turn = new Turn(REF);
	const messages = Array.from({ length: size }, (_, order) => message(order));
	messages.push(message(size, { status: 'pending' }));
	turn.readChat({ id: 'c1', status: 'idle', chat_messages: messages });
	return turn;
}

function update(turn: Turn, data: object, fields?: readonly string[]): void {
	const event = 'chat_messages';
	turn.take({ kind: 'update', event, update: { data: { ...data }, fields } });
}

it.each<[what: string, work: (turn: Turn, size: number) => void]>([
	[
		'a piece of the answer',
		(turn, size) =>
			void turn.take({
				kind: 'delta',
				delta: { response: 'a' },
				seq: undefined,
				resourceId: `m${size}`,
			}),
	],
	[
		'a text that has grown',
		(turn, size) => update(turn, { id: `m${size}`, content: 'longer' }, ['content']),
	],
	['a message that is sent again', (turn, size) => update(turn, message(size - 1))],
])('%s takes no look at all messages', (_what, work) => {
	const workOf = (size: number) => {
		const turn = turnOf(size);
		const before = turn.verdict();
		const walked = walkedBy(() => {
			for (let times = 0; times < size; times += 1) {
				work(turn, size);
				turn.verdict();
			}
		});
		expect(turn.verdict()).toEqual(before);
		update(turn, message(size));
		expect(turn.verdict()).toEqual({ kind: 'settled', state: 'completed' });
		return walked;
	};
	expect(workOf(400)).toBeLessThanOrEqual(3 * workOf(200));
});

it('a chat is read with work that grows like its messages', () => {
	const workOf = (size: number) => walkedBy(() => void turnOf(size));
	expect(workOf(400)).toBeLessThanOrEqual(3 * workOf(200));
});
