import type { INode } from 'n8n-workflow';
import { NodeApiError, NodeOperationError } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { NetworkError, ServerError, TaskFailedError } from '../../../nodes/client/errors.ts';
import { toNodeError } from '../../../nodes/shared/output/failures.ts';
import { parameterError } from '../../../nodes/shared/parameters/parameterError.ts';

const node: INode = {
	id: '1',
	name: 'Node',
	type: 'test.node',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
};

describe('the error that n8n shows', () => {
	const request = 'POST /apps/run';
	const server = new ServerError('It failed', {
		httpStatus: 502,
		request,
		answer: '<html>',
		mayHaveBeenAccepted: true,
		cause: new Error('deep'),
	});
	const network = new NetworkError('No answer', { request, mayHaveBeenAccepted: false });

	it.each([
		[server, NodeApiError],
		[network, NodeOperationError],
	])('keeps what it was made of: %s', (error, kind) => {
		const shown = toNodeError(node, error, 3);
		expect(shown).toBeInstanceOf(kind);
		expect(shown.cause).toBe(error);
		expect((shown.cause as Error).stack).toContain('failures.test.mts');
		expect(shown.context['itemIndex']).toBe(3);
	});

	it.each(['ETIMEDOUT', 'ENOENT', 'ECONNREFUSED'])('keeps its own words: %s', (word) => {
		const message = `Task t1 failed: ${word} while loading`;
		const failed = new TaskFailedError(message);
		expect(toNodeError(node, failed).message).toBe(message);
		const { message: said } = parameterError(node, {
			parameter: 'Width',
			problem: `must be a number, but is "${word}"`,
			itemIndex: 0,
		});
		expect(said).toBe(`Parameter "Width" must be a number, but is "${word}" [item 0]`);
	});

	it('has the request and the answer in its details', () => {
		const shown = toNodeError(node, server);
		expect(shown.message).not.toContain('POST');
		expect(shown.context['data']).toEqual({ request, answer: '<html>' });
		expect(toNodeError(node, network).context['data']).toEqual({ request });
	});

	it('is saved with no more of it than its name and message', () => {
		const saved: unknown = JSON.parse(JSON.stringify(toNodeError(node, server)));
		// An older n8n saves the properties of its own instead.
		const cause = process.env['N8N_HOST'] ? { code: 'server' } : { message: 'It failed' };
		expect(saved).toMatchObject({ cause });
		expect(JSON.stringify(saved)).not.toContain('deep');
		expect(Object.keys(server)).not.toContain('facts');
	});
});
