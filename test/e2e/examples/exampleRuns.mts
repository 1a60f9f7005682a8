/** Ways to execute an example and to look at what came of it. */
import { expect } from 'vitest';

import type { SandboxTaskView } from '../../sandbox/index.mts';
import type { Instance } from '../n8n/instance.mts';
import type { WorkflowRun } from '../n8n/n8n.mts';

type Json = Readonly<Record<string, unknown>>;

/** JSON of the items of one output of a node's last run. */
export function itemsOf(run: WorkflowRun, nodeName: string, output = 0): readonly Json[] {
	const last = run.data.resultData.runData[nodeName]?.at(-1);
	return (last?.data?.main[output] ?? []).map(({ json }) => json);
}

/** A piece that a streaming workflow has sent, and when it arrived here. */
export interface Piece {
	readonly type: string;
	readonly content: string;
	readonly at: number;
}

/** Posts to a workflow as soon as n8n has registered it, which is a moment after publishing. */
export async function post(url: string, body: object | FormData): Promise<Response> {
	const deadline = Date.now() + 10_000;
	const content =
		body instanceof FormData
			? { body }
			: { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
	for (;;) {
		const response = await fetch(url, {
			method: 'POST',
			...content,
			signal: AbortSignal.timeout(30_000),
		});
		if (response.status !== 404 || Date.now() > deadline) return response;
		await response.text();
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

/**
 * Waits for the last page of a form that has been submitted, as n8n's page does in a browser, and lets
 * the execution end.
 *
 * @returns the page
 */
export async function endOfForm(submitted: Response): Promise<string> {
	const text = await submitted.text();
	expect(submitted.status, text).toBe(200);
	const { formWaitingUrl } = JSON.parse(text) as { formWaitingUrl: string };
	const status = new URL(formWaitingUrl);
	status.pathname += '/n8n-execution-status';
	const wait = { timeout: 60_000, interval: 100 };
	await expect.poll(async () => await textAt(status.href), wait).toBe('form-waiting');
	const page = await textAt(formWaitingUrl);
	await textAt(formWaitingUrl, 'POST');
	return page;
}

async function textAt(url: string, method = 'GET'): Promise<string> {
	return await (await fetch(url, { method, signal: AbortSignal.timeout(30_000) })).text();
}

/** Calls a workflow that streams, and notes every line when it comes. */
export async function callStreaming(
	{ rest: n8n }: Instance,
	workflowId: string,
	path: string,
	body: object,
): Promise<readonly Piece[]> {
	await n8n.activate(workflowId);
	try {
		return await readPieces(await post(`${n8n.url}/webhook/${path}`, body));
	} finally {
		await n8n.deactivate(workflowId);
	}
}

async function readPieces(response: Response): Promise<readonly Piece[]> {
	const pieces: Piece[] = [];
	let rest = '';
	for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
		const lines = (rest + text).split('\n');
		rest = lines.pop() ?? '';
		for (const line of lines) {
			const { type, content = '' } = JSON.parse(line) as { type: string; content?: string };
			pieces.push({ type, content, at: Date.now() });
		}
	}
	expect(response.status, JSON.stringify([rest, pieces])).toBe(200);
	return pieces;
}

/** Whether an answer came piece by piece while its task was running, and is whole. */
export function expectLive(
	pieces: readonly Piece[],
	question: string,
	task: SandboxTaskView | undefined,
): void {
	const items = pieces.filter(({ type }) => type === 'item');
	expect(items.map(({ content }) => content).join('')).toContain(`You said "${question}"`);
	expect(items.length).toBeGreaterThan(5);
	expect(items[0]?.at).toBeLessThan(task?.finishedAt ?? 0);
	expect(pieces.map(({ type }) => type)).toEqual(expect.arrayContaining(['begin', 'end']));
}
