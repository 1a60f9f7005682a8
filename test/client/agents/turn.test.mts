/** When a turn is over, told by whatever the service shows of it, in whatever order. */
import { describe, expect, it } from 'vitest';
import type { StreamEvent } from '../../../nodes/client/follow/streamEvents.ts';
import { Turn, type TurnRef } from '../../../nodes/client/agents/turn.ts';

const NEW: TurnRef = {
	chatId: 'c1',
	userMessageId: 'u1',
	assistantMessageId: 'a1',
	runId: 'r1',
	answered: [],
};
const QUEUED: TurnRef = { chatId: 'c1', userMessageId: 'u2', answered: [] };

function update(
	event: string | undefined,
	data: object,
	fields?: string[],
): StreamEvent & { kind: 'update' } {
	return { kind: 'update', event, update: { data: { ...data }, fields } };
}
const chat = (data: object, fields?: string[]) => update('chats', { id: 'c1', ...data }, fields);
const run = (state: string, data: object = {}) =>
	update('agent_runs', { id: 'r1', chat_id: 'c1', state, ...data });
const answer = (status: string, data: object = {}) =>
	update('chat_messages', {
		id: 'a1',
		chat_id: 'c1',
		agent_run_id: 'r1',
		order: 2,
		role: 'assistant',
		status,
		...data,
	});
const user = (status: string, data: object = {}) =>
	update('chat_messages', {
		id: 'u2',
		chat_id: 'c1',
		order: 3,
		role: 'user',
		status,
		content: 'and?',
		...data,
	});
const text = (said: string) => ({ content: [{ type: 'text', text: said }] });
const tool = (status: string, type = 'app') => ({
	tool_invocations: [{ id: 't1', type, status, function: { name: 'refund', arguments: {} } }],
});

function turnOf(ref: TurnRef, ...events: Array<StreamEvent & { kind: 'update' | 'delta' }>): Turn {
	const turn = new Turn(ref);
	for (const event of events) turn.take(event);
	return turn;
}
const verdict = (ref: TurnRef, ...events: Array<StreamEvent & { kind: 'update' }>) => {
	const said = turnOf(ref, ...events).verdict();
	return said.kind === 'settled' ? said.state : said.kind;
};

describe('a turn with a run of its own', () => {
	it.each(['completed', 'failed', 'canceled', 'rejected'])('is over when that is %s', (state) => {
		expect(verdict(NEW, run('working'), run(state))).toBe(state);
	});

	it.each(['submitted', 'working', 'something new'])('goes on while that is %s', (state) => {
		expect(verdict(NEW, run(state), answer('ready', text('Let me see')))).toBe('running');
	});

	it('stays over whatever comes later', () => {
		expect(verdict(NEW, run('completed'), run('working'), chat({ status: 'busy' }))).toBe(
			'completed',
		);
	});

	it('is not ended by that of the previous turn', () => {
		const previous = chat({ status: 'idle', active_run: { id: 'r0', state: 'completed' } });
		expect(verdict(NEW, previous)).toBe('doubtful');
		expect(verdict(NEW, previous, answer('pending'))).toBe('doubtful');
		expect(verdict(NEW, previous, answer('pending'), run('working'))).toBe('running');
	});

	it('is over by its messages when the chat shows no run any more', () => {
		const events = [run('working'), answer('ready', text('Done'))];
		expect(verdict(NEW, ...events)).toBe('running');
		expect(verdict(NEW, ...events, chat({ status: 'idle' }))).toBe('completed');
		expect(verdict(NEW, ...events, chat({ status: 'idle', active_run: null }))).toBe('completed');
	});

	it('learns its run from the message that it answers', () => {
		const ref = { chatId: 'c1', userMessageId: 'u1', answered: [] };
		expect(verdict(ref, run('completed', { user_message_id: 'u1' }))).toBe('completed');
		expect(verdict(ref, run('completed', { user_message_id: 'u0' }))).toBe('doubtful');
	});

	it('learns its run from its first message, or as the only one at work', () => {
		const ref = { ...NEW, runId: undefined };
		expect(verdict(ref, answer('pending'), run('completed'))).toBe('completed');
		expect(verdict(ref, run('working'), run('completed'))).toBe('completed');
		expect(verdict(ref, run('completed'))).toBe('doubtful');
	});
});

describe('a turn of which no run is shown', () => {
	const ref = { ...NEW, runId: undefined };
	const ready = answer('ready', { agent_run_id: undefined, ...text('Hi') });

	it('goes on while the chat is busy', () => {
		expect(verdict(ref, chat({ status: 'busy' }))).toBe('running');
		expect(verdict(ref, chat({ status: 'busy' }), ready)).toBe('running');
	});

	it.each([
		['ready', 'completed'],
		['failed', 'failed'],
		['cancelled', 'canceled'],
	])('is over when its last message is %s and the chat idle', (status, state) => {
		const last = answer(status, { agent_run_id: undefined });
		expect(verdict(ref, chat({ status: 'idle' }), last)).toBe(state);
	});

	it('is not over while a tool of its last message has to run', () => {
		const calling = answer('ready', { agent_run_id: undefined, ...tool('in_progress') });
		expect(verdict(ref, chat({ status: 'idle' }), calling)).toBe('doubtful');
	});

	it('is not over while its message is being written, idle as the chat may be', () => {
		expect(verdict(ref, chat({ status: 'idle' }), answer('pending'))).toBe('doubtful');
	});

	it('is over although another run has begun', () => {
		const other = chat({ status: 'busy', active_run: { id: 'r2', state: 'working' } });
		expect(verdict(NEW, answer('ready', text('Hi')), other)).toBe('completed');
	});
});

describe('a turn that waits for somebody', () => {
	it('is settled by its run and what is pending', () => {
		expect(verdict(NEW, run('input_required'))).toBe('doubtful');
		expect(verdict(NEW, run('input_required'), answer('ready', tool('awaiting_approval')))).toBe(
			'input_required',
		);
	});

	it('is settled by missing credentials alone', () => {
		expect(verdict(NEW, run('auth_required'))).toBe('auth_required');
	});

	it.each(['in_progress', 'awaiting_input'])(
		'is settled by a client tool that is %s, with no run shown',
		(status) => {
			const asking = answer('ready', tool(status, 'client'));
			expect(verdict(NEW, chat({ status: 'busy' }), asking)).toBe('input_required');
		},
	);

	it('is settled by the interrupts of the chat', () => {
		const interrupts = [{ id: 'i1', run_id: 'r1', reason: 'auth', status: 'pending' }];
		const asking = chat({ status: 'awaiting_input', pending_interrupts: interrupts });
		expect(verdict(NEW, asking)).toBe('auth_required');
		const foreign = interrupts.map((interrupt) => ({ ...interrupt, run_id: 'r0' }));
		expect(verdict(NEW, chat({ status: 'idle', pending_interrupts: foreign }))).toBe('doubtful');
	});

	it('is settled by a chat that says so although its run is said to work', () => {
		const events = [run('working'), answer('ready', tool('awaiting_approval'))];
		expect(verdict(NEW, ...events)).toBe('running');
		const asks = chat({ status: 'awaiting_input' }, ['status']);
		expect(verdict(NEW, ...events, asks)).toBe('input_required');
	});

	it('goes on once that has been answered, however old what is heard is', () => {
		const ref = { ...NEW, answered: ['t1'] };
		const old = [run('input_required'), answer('ready', tool('awaiting_approval'))];
		expect(verdict(ref, ...old)).toBe('doubtful');
		expect(verdict(ref, ...old, run('working'))).toBe('running');
		expect(verdict(ref, ...old, run('working'), run('completed'))).toBe('completed');
	});

	it('is over by its messages once the chat has gone on without its end being seen', () => {
		const ref = { ...NEW, answered: ['t1'] };
		const asked = [run('input_required'), answer('ready', tool('completed'))];
		const said = answer('ready', { id: 'a2', order: 3, ...text('Done.') });
		expect(verdict(ref, ...asked, said)).toBe('doubtful');
		const next = chat({ status: 'busy', active_run: { id: 'r2', state: 'working' } });
		expect(verdict(ref, ...asked, next, said)).toBe('completed');
		expect(verdict(ref, ...asked, chat({ status: 'idle' }), said)).toBe('completed');
		expect(verdict(ref, ...asked, chat({ status: 'busy' }), said)).toBe('running');
	});

	it('is settled again by the other calls', () => {
		const both = {
			tool_invocations: [
				{ id: 't1', type: 'app', status: 'awaiting_approval' },
				{ id: 't2', type: 'app', status: 'awaiting_approval' },
			],
		};
		const turn = turnOf({ ...NEW, answered: ['t1'] }, run('input_required'), answer('ready', both));
		expect(turn.verdict()).toEqual({ kind: 'settled', state: 'input_required' });
		expect(turn.pending).toMatchObject([{ id: 't2' }]);
	});
});

describe('a turn whose message is queued behind another', () => {
	const busy = chat({ status: 'busy', active_run: { id: 'r1', state: 'working' } });
	const otherAnswer = answer('pending', { id: 'a1', order: 4 });

	it('is not ended by the end of the other', () => {
		expect(verdict(QUEUED, user('queued'), busy)).toBe('running');
		const other = [user('queued'), busy, otherAnswer, run('completed')];
		expect(verdict(QUEUED, ...other)).toBe('running');
		expect(verdict(QUEUED, ...other, chat({ status: 'idle' }))).toBe('doubtful');
		expect(turnOf(QUEUED, ...other).answers).toEqual([]);
	});

	it('begins when it leaves the queue', () => {
		const mine = update('chat_messages', {
			id: 'a2',
			chat_id: 'c1',
			agent_run_id: 'r2',
			order: 5,
			role: 'assistant',
			status: 'ready',
			...text('mine'),
		});
		const turn = turnOf(
			QUEUED,
			...[user('queued'), busy, otherAnswer, run('completed'), user('ready'), mine],
			chat({ status: 'idle' }),
		);
		expect(turn.verdict()).toEqual({ kind: 'settled', state: 'completed' });
		expect(turn.answers).toMatchObject([{ id: 'a2', text: 'mine' }]);
	});

	describe('where messages name no runs', () => {
		const SENT = '2026-11-30T12:00:00.000Z';
		const LEFT = '2026-11-30T12:00:05.000Z';
		const at = (created_at: string) => ({ created_at, agent_run_id: undefined, order: 5 });
		const left = user('ready', { created_at: SENT, updated_at: LEFT });
		const waiting = user('queued', { created_at: SENT, updated_at: SENT });
		const idle = chat({ status: 'idle' });

		it('does not take the late answer of the turn before for its own', () => {
			const late = answer('ready', { id: 'a1', ...text('theirs'), ...at('2026-11-30T12:00:03Z') });
			expect(verdict(QUEUED, waiting, left, late, idle)).toBe('doubtful');
			expect(turnOf(QUEUED, waiting, left, late, idle).answers).toEqual([]);
		});

		it('takes what was created after it had left the queue', () => {
			const own = answer('ready', { id: 'a2', ...text('mine'), ...at('2026-11-30T12:00:06Z') });
			const turn = turnOf(QUEUED, waiting, left, own, idle);
			expect(turn.verdict()).toEqual({ kind: 'settled', state: 'completed' });
			expect(turn.answers).toMatchObject([{ text: 'mine' }]);
		});

		it('takes nothing where it is not told when it has left the queue', () => {
			const any = answer('ready', { id: 'a2', ...text('whose?'), ...at('2026-11-30T12:00:06Z') });
			const gone = update('chat_messages', { id: 'u2', status: 'ready' }, ['status']);
			expect(verdict(QUEUED, waiting, gone, any, idle)).toBe('doubtful');
		});
	});

	it('knows its run by the message', () => {
		const next = update('agent_runs', { id: 'r2', state: 'completed', user_message_id: 'u2' });
		expect(verdict(QUEUED, user('queued'), busy, user('ready'), next)).toBe('completed');
		const told = user('ready', { agent_run_id: 'r2' });
		const bare = update('agent_runs', { id: 'r2', state: 'failed' });
		expect(verdict(QUEUED, user('queued'), busy, told, bare)).toBe('failed');
	});

	it('waits for whatever the other waits for', () => {
		const asking = answer('ready', tool('awaiting_approval'));
		const turn = turnOf(QUEUED, user('queued'), asking, run('input_required'));
		expect(turn.verdict()).toEqual({ kind: 'settled', state: 'input_required' });
		expect(turn.pending).toMatchObject([{ id: 't1', tool: 'refund' }]);
	});

	it.each([
		['cancelled', 'canceled'],
		['failed', 'failed'],
	])('is over if the message is %s', (status, state) => {
		expect(verdict(QUEUED, user('queued'), user(status))).toBe(state);
	});

	it('has not begun until something shows it', () => {
		expect(new Turn(QUEUED).unbegun).toBe(true);
		expect(new Turn(NEW).unbegun).toBe(false);
		expect(turnOf(QUEUED, user('queued')).unbegun).toBe(true);
		expect(turnOf(QUEUED, user('ready')).unbegun).toBe(false);
	});
});

describe('what is heard', () => {
	it('is merged field by field', () => {
		const partial = update('chat_messages', { id: 'a1', status: 'ready', content: null }, [
			'status',
		]);
		const turn = turnOf(NEW, answer('pending', text('Hello')), partial);
		expect(turn.answers).toMatchObject([{ status: 'ready', text: 'Hello' }]);
	});

	it('of a message that has ended is not undone by an older view', () => {
		const turn = turnOf(NEW, answer('ready', text('Hello')), answer('pending', text('He')));
		expect(turn.answers).toMatchObject([{ status: 'ready', text: 'Hello' }]);
	});

	it('without a name is told apart by its form', () => {
		const turn = turnOf(
			NEW,
			update(undefined, { id: 'a1', role: 'assistant', order: 1, ...text('Hi'), status: 'ready' }),
			update(undefined, { id: 'c1', status: 'idle' }),
			update(undefined, { id: 'x' }),
		);
		expect(turn.verdict()).toEqual({ kind: 'settled', state: 'completed' });
		expect(turnOf(NEW, update(undefined, { id: 'r1', state: 'failed' })).verdict()).toEqual({
			kind: 'settled',
			state: 'failed',
		});
	});

	it('of other chats and tables is left alone', () => {
		const turn = new Turn(NEW);
		expect(turn.take(update('chats', { id: 'c2', status: 'idle' }))).toBe(false);
		expect(turn.take(update('flows', { id: 'c1', status: 'idle' }))).toBe(false);
		expect(turn.take(answer('ready', { chat_id: 'c2' }))).toBe(false);
		expect(turn.take(update('chat_messages', {}))).toBe(false);
		expect(turn.take(update('agent_runs', {}))).toBe(false);
	});

	it('twice is no news', () => {
		const turn = new Turn(NEW);
		for (const event of [chat({ status: 'busy' }), answer('pending'), run('working')]) {
			expect(turn.take(event)).toBe(true);
			expect(turn.take(event)).toBe(false);
		}
	});

	it('comes with old answers of other turns, which do not count', () => {
		const before = answer('ready', { id: 'a0', agent_run_id: 'r0', order: 1, ...text('old') });
		expect(turnOf(NEW, before, answer('pending', text('new'))).answers).toMatchObject([
			{ text: 'new' },
		]);
		const bare = { ...NEW, runId: undefined };
		const turn = turnOf(
			bare,
			answer('ready', { id: 'a0', agent_run_id: undefined, order: 1 }),
			answer('pending', { agent_run_id: undefined, order: 3 }),
			answer('ready', { id: 'a2', agent_run_id: undefined, order: 4 }),
		);
		expect(turn.answers.map(({ id }) => id)).toEqual(['a1', 'a2']);
	});

	it('of an output that may be of an earlier turn is not believed', () => {
		const output = { total: 5 };
		const other = { active_run: { id: 'r0', state: 'completed' } };
		expect(turnOf(NEW, chat({ status: 'idle', output, ...other })).output).toBeUndefined();
		expect(turnOf(NEW, run('completed'), chat({ status: 'idle', output })).output).toEqual(output);
		const own = run('completed', { output: { total: 7 } });
		expect(turnOf(NEW, chat({ output }), own).output).toEqual({ total: 7 });
	});

	it('of an earlier output is not taken for that of a run that has none', () => {
		const old = chat({ status: 'idle', output: { total: 5 } });
		const own = run('completed', { output: null, user_message_id: 'u1' });
		expect(turnOf({ ...NEW, userMessageId: 'u1' }, old, own).output).toBeUndefined();
	});

	it('of an output that the chat has shown since before the end is not believed', () => {
		const busy = chat({ status: 'busy', output: { total: 5 } });
		const said = answer('ready', text('No total this time.'));
		const over = (output: object) => turnOf(NEW, busy, said, chat({ status: 'idle', output }));
		expect(over({ total: 5 }).output).toBeUndefined();
		expect(over({ total: 6 }).output).toEqual({ total: 6 });
	});
});

describe('the text of an answer while it is written', () => {
	function heard(
		...events: Array<(StreamEvent & { kind: 'update' | 'delta' }) | 'opened'>
	): string[] {
		const texts: string[] = [];
		const turn = new Turn(NEW, {
			text: (id, said) => void texts.push(`${id}: ${said}`),
			more: (id, _piece, said) => void texts.push(`${id}: ${said}`),
		});
		turn.opened();
		for (const event of events) {
			if (event === 'opened') turn.opened();
			else turn.take(event);
		}
		return texts;
	}
	const delta = (response: string, seq: number, resourceId: string | undefined = 'a1') =>
		({ kind: 'delta', delta: { response }, seq, resourceId }) as const;

	it('is put together from deltas', () => {
		expect(heard(answer('pending'), delta('Hel', 1), delta('lo', 2))).toEqual([
			'a1: Hel',
			'a1: Hello',
		]);
	});

	it('goes on after what the message said when the stream was opened late', () => {
		expect(heard(answer('pending', text('Hel')), delta('lo', 4), delta('!', 5))).toEqual([
			'a1: Hel',
			'a1: Hello',
			'a1: Hello!',
		]);
	});

	it('goes on after a message that came after its deltas when the stream was opened late', () => {
		const message = answer('pending', text('Hello'));
		expect(heard(delta('lo', 2), message, delta('!', 3))).toEqual(['a1: Hello', 'a1: Hello!']);
	});

	it('has no hole when the stream was opened again and nothing tells what was missed', () => {
		const message = answer('pending', text('Hel'));
		expect(heard(message, 'opened', delta('!', 9))).toEqual(['a1: Hel']);
		const again = answer('pending', text('Hello!'));
		expect(heard(message, 'opened', delta('!', 9), again, delta('?', 10)).at(-1)).toBe(
			'a1: Hello!?',
		);
	});

	it('is whole although its first deltas came before the message that they are of', () => {
		const second = (pieces: object) =>
			answer('pending', { id: 'a2', order: 3, agent_run_id: 'r1', ...pieces });
		const first = answer('ready', { agent_run_id: 'r1', ...text('I will look.') });
		const pieces = [delta('Do', 1, 'a2'), delta('ne', 2, 'a2'), second({}), delta('.', 3, 'a2')];
		expect(heard(first, ...pieces)).toEqual(['a1: I will look.', 'a2: Done.']);
	});

	it('grows with the message where there are no deltas', () => {
		const growing = ['He', 'Hello', 'Hello'].map((said) => answer('pending', text(said)));
		expect(new Set(heard(...growing, answer('ready', text('Hello you'))))).toEqual(
			new Set(['a1: He', 'a1: Hello', 'a1: Hello you']),
		);
	});

	it('is what the message says at its end', () => {
		const texts = heard(delta('Hellp', 1), answer('ready', text('Hello')), delta('!', 2));
		expect(texts.at(-1)).toBe('a1: Hello');
	});

	it('is not taken from other messages or from nowhere', () => {
		const other = answer('pending', { id: 'a0', agent_run_id: 'r0', order: 1 });
		expect(heard(other, delta('x', 1, 'a0'), delta('x', 1, 'unknown'))).toEqual([]);
		const nowhere = { ...delta('x', 1), resourceId: undefined };
		expect(heard(nowhere)).toEqual([]);
	});
});
