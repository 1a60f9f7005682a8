/** What an agent waits for, in words for a person. */
import { describe, expect, it } from 'vitest';
import type { PendingCall } from '../../../nodes/client/agents/chat.ts';
import { waitingText } from '../../../nodes/shared/output/waitingText.ts';

const call = (more: Partial<PendingCall>): PendingCall => ({
	id: 'c1',
	isTool: true,
	runId: undefined,
	kind: 'approval',
	tool: 'refund',
	arguments: {},
	interruptId: undefined,
	reason: undefined,
	...more,
});

describe('the words for what an agent waits for', () => {
	it.each<[more: Partial<PendingCall>, words: string]>([
		[
			{ arguments: { order: 'A-17', amount: 3.5 } },
			'approval of: refund (order: A-17, amount: 3.5)',
		],
		[
			{ arguments: { order: 'A-17', note: null, tags: [], why: '' } },
			'approval of: refund (order: A-17)',
		],
		[{ arguments: {} }, 'approval of: refund'],
		[{ arguments: [] }, 'approval of: refund'],
		[{ arguments: null }, 'approval of: refund'],
		[{ arguments: { sure: false, times: 0 } }, 'approval of: refund (sure: false, times: 0)'],
		[{ tool: undefined }, 'an approval'],
		[{ kind: 'client_tool' }, 'the result of: refund'],
		[{ kind: 'widget', tool: undefined }, 'the answer to a form'],
		[{ kind: 'auth', tool: undefined }, 'an account to be connected on inference.sh'],
	])('%j', (more, words) => {
		expect(waitingText([call(more)])).toBe(`Waits for ${words}`);
	});

	it('cut no character in half', () => {
		const words = waitingText([call({ arguments: { a: `${'x'.repeat(296)}😀😀` } })]);
		expect(words).toMatch(/x…\)$/);
		expect(words).not.toMatch(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])/);
	});
});
