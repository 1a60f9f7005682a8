import { describe, expect, it } from 'vitest';
import { decodeReply, isRefusedBody } from '../../../nodes/client/api/envelope.ts';

const TASK = { id: 't1', status: 10, output: { data: 1 } };

describe('decodeReply', () => {
	it.each<[what: string, body: unknown, value: unknown]>([
		['the first generation', { success: true, status: 200, data: TASK, error: null }, TASK],
		['the first generation without its extras', { success: true, data: TASK }, TASK],
		['the second generation', TASK, TASK],
		['the third generation', { data: TASK, messages: [] }, TASK],
		['the third generation without messages', { data: TASK }, TASK],
		['null messages', { data: TASK, messages: null }, TASK],
		['no value', { data: null, messages: [] }, null],
		['a list', { data: [TASK] }, [TASK]],
		['a bare list', [TASK], [TASK]],
		['null', null, null],
		['true', true, true],
		['a text', 'cancelled', 'cancelled'],
		['nothing', undefined, undefined],
		['an empty object', {}, {}],
	])('gives the value of %s', (_what, body, value) => {
		expect(decodeReply(body)).toEqual({ value, notices: [] });
	});

	it.each([
		['a tool invocation', { id: 'i1', status: 'done', data: { x: 1 } }],
		['an object with one key of its own', { data: { x: 1 }, fields: [] }],
		['a page of a list', { items: [], next_cursor: '', data: null }],
	])('leaves %s, which has a field called data, as it is', (_what, body) => {
		expect(decodeReply(body).value).toBe(body);
	});

	it('unwraps once only', () => {
		expect(decodeReply({ data: { data: TASK } }).value).toEqual({ data: TASK });
	});

	it('passes notices on and skips what has no text', () => {
		const messages = [
			{ level: 'warning', code: 'concurrency', message: 'limit reached', meta: { limit: 1 } },
			{ level: 'info', code: 'upgrade', message: 'there is a new plan' },
			{ level: 'fatal', message: 'a level from the future' },
			{ level: 'info', code: 'only_a_code' },
			{ level: 'warning', code: 'empty', message: '' },
			{ level: 'info' },
			null,
			'text',
		];
		expect(decodeReply({ data: TASK, messages }).notices).toEqual([
			{ level: 'warning', message: 'limit reached' },
			{ level: 'info', message: 'there is a new plan' },
			{ level: 'info', message: 'a level from the future' },
			{ level: 'info', message: 'only_a_code' },
			{ level: 'warning', message: 'empty' },
		]);
	});
});

describe('isRefusedBody', () => {
	it.each<[what: string, body: unknown, refusal: boolean]>([
		['an error of the first generation', { success: false, error: { code: 'x' } }, true],
		['the same with data', { success: false, status: 422, data: null }, true],
		['a success', { success: true, data: TASK }, false],
		['a bare object with a field called error', { id: 't1', status: 11, error: 'oom' }, false],
		['an output that says success: false of itself', { success: false, count: 0 }, false],
		['null', null, false],
		['a list', [{ success: false, error: 'x' }], false],
	])('sees %s for what it is', (_what, body, refusal) => {
		expect(isRefusedBody(body)).toBe(refusal);
	});
});
