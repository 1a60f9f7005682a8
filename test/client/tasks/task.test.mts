import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeTask, taskFromWire, type Task } from '../../../nodes/client/tasks/task.ts';
import { updatedFields } from '../../../nodes/client/follow/update.ts';

function task(wire: Readonly<Record<string, unknown>> = {}): Task {
	const made = taskFromWire({ id: 't1', status: 7, ...wire });
	if (!made) throw new Error('no task');
	return made;
}

describe('taskFromWire', () => {
	it('reads the short form of a submit answer', () => {
		const wire = {
			id: '2khet8d1p6z26krbtvn9d7rkth',
			short_id: '2khet8d1',
			status: 10,
			status_text: 'completed',
			output: { audio: 'https://cloud.example/x.wav' },
			session_id: 'sess_9',
			created_at: '2026-09-15T17:27:55.308496Z',
			updated_at: '2026-09-15T17:28:59.048011Z',
		};
		expect(taskFromWire(wire)).toEqual({
			id: wire.id,
			status: 'completed',
			terminal: true,
			output: wire.output,
			error: undefined,
			sessionId: 'sess_9',
			createdAt: wire.created_at,
			updatedAt: wire.updated_at,
			wire,
		});
	});

	it.each([
		['a number', 10, 'completed', true],
		['a number as text', '7', 'running', false],
		['a name in any case', 'FAILED', 'failed', true],
		['a number from the future', 99, 'unknown', false],
		['a name from the future', 'paused', 'unknown', false],
		['nothing', undefined, 'unknown', false],
		['null', null, 'unknown', false],
	])('reads a status that is %s', (_what, status, name, terminal) => {
		expect(taskFromWire({ id: 't1', status })).toMatchObject({ status: name, terminal });
	});

	it('reads the status by its name if it comes in no other way', () => {
		expect(taskFromWire({ id: 't1', status_text: 'completed' })?.status).toBe('completed');
		expect(taskFromWire({ id: 't1', status: 1, status_text: '' })?.status).toBe('received');
	});

	it.each([
		['a text', 'out of memory', 'out of memory'],
		['an object with a message', { message: 'out of memory', code: 1 }, 'out of memory'],
		['any other object', { code: 1 }, '{"code":1}'],
		['an empty text', '', undefined],
		['null', null, undefined],
		['nothing', undefined, undefined],
	])('reads an error that is %s', (_what, error, text) => {
		expect(task({ error }).error).toBe(text);
	});

	it('takes null arrays and maps', () => {
		const wire = { logs: null, events: null, usage_events: null, output: null, input: null };
		expect(task(wire)).toMatchObject({ output: null, wire });
	});

	it('tells no output from an empty one', () => {
		expect([task().output, task({ output: null }).output]).toEqual([undefined, null]);
	});

	it.each([[null], [undefined], ['t1'], [[]], [{}], [{ id: '' }], [{ id: 7 }], [{ status: 10 }]])(
		'does not take %j for a task',
		(wire) => {
			expect(taskFromWire(wire)).toBeUndefined();
		},
	);
});

describe('mergeTask', () => {
	it('merges the named fields of a partial and nothing else', () => {
		const before = task({ output: { text: 'a' }, session_id: 'sess_9', logs: ['x'] });
		const after = mergeTask(before, {
			data: { id: 't1', status: 9, output: null, session_id: '', logs: null, error: 'zero' },
			fields: ['status'],
		});
		expect(after.wire).toEqual({ ...before.wire, status: 9 });
		expect(after).toMatchObject({ status: 'uploading', sessionId: 'sess_9', error: undefined });
	});

	it('sets a named field to its zero value', () => {
		const after = mergeTask(task({ error: 'x' }), { data: { error: '' }, fields: ['error'] });
		expect(after.wire['error']).toBe('');
		expect(after.error).toBeUndefined();
	});

	it('sets a named field to null', () => {
		const after = mergeTask(task({ output: 1 }), { data: { output: null }, fields: ['output'] });
		expect(after.output).toBeNull();
	});

	it('leaves a field alone that is named but not there', () => {
		const after = mergeTask(task({ output: 1 }), {
			data: { status: 9 },
			fields: ['status', 'output'],
		});
		expect(after).toMatchObject({ status: 'uploading', output: 1 });
	});

	it('overwrites fields whole, not deep', () => {
		const before = task({ output: { a: 1, b: 2 } });
		expect(mergeTask(before, { data: { output: { a: 3 } } }).output).toEqual({ a: 3 });
	});

	it('keeps what a snapshot does not mention', () => {
		const after = mergeTask(task({ session_id: 'sess_9' }), { data: { id: 't1', status: 10 } });
		expect(after).toMatchObject({ status: 'completed', sessionId: 'sess_9' });
	});

	it('leaves the status alone if the update says nothing of one', () => {
		expect(mergeTask(task({ status: 8 }), { data: { logs: ['x'] } }).status).toBe('cancelling');
	});

	it('does not let a stale name of the status win over its number', () => {
		const before = task({ status: 1, status_text: 'received' });
		const after = mergeTask(before, { data: { status: 10 }, fields: ['status'] });
		expect(after.status).toBe('completed');
	});

	it('never changes the id', () => {
		const after = mergeTask(task(), { data: { id: 't2', status: 10 }, fields: ['id', 'status'] });
		expect(after.id).toBe('t1');
		expect(after.wire['id']).toBe('t1');
	});

	it('leaves the task it was given as it was', () => {
		const before = task({ output: 1 });
		const copy = structuredClone(before);
		mergeTask(before, { data: { status: 10, output: 2 } });
		expect(before).toEqual(copy);
	});

	const field = fc.constantFrom('status', 'output', 'error', 'logs', 'session_id', 'id', 'x');
	const update = fc.record({
		data: fc.dictionary(field, fc.jsonValue({ maxDepth: 1 }), { noNullPrototype: true }),
		fields: fc.option(fc.uniqueArray(field), { nil: undefined }),
	});

	it('gives the same for updates that are delivered twice', () => {
		fc.assert(
			fc.property(update, (one) => {
				const once = mergeTask(task(), one);
				expect(mergeTask(once, one)).toEqual(once);
			}),
		);
	});

	it('gives the same for a sequence that is delivered again from its start', () => {
		fc.assert(
			fc.property(fc.array(update, { maxLength: 5 }), (updates) => {
				const once = updates.reduce(mergeTask, task());
				expect(updates.reduce(mergeTask, once)).toEqual(once);
			}),
		);
	});

	it('changes no field that it does not report as updated', () => {
		fc.assert(
			fc.property(update, (one) => {
				const before = task({ output: 1, logs: ['x'], session_id: 's' });
				const after = mergeTask(before, one);
				const names = new Set(updatedFields(one));
				for (const [name, value] of Object.entries(before.wire)) {
					if (!names.has(name)) expect(after.wire[name]).toBe(value);
				}
			}),
		);
	});
});
