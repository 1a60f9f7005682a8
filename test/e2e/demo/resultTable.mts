/** What a Run App node did, for a terminal. */
import type { NodeRun } from '../n8n/n8n.mts';
import { shortened, table } from './table.mts';

type Json = Readonly<Record<string, unknown>>;
const OUTPUT_WIDTH = 48;

function object(value: unknown): Json {
	return typeof value === 'object' && value !== null ? (value as Json) : {};
}

/** The part of an app's output that says most: its text, else all of it. */
function gist(json: Json): string {
	if (json['error'] !== undefined) return text(json['error']);
	const output = json['output'];
	return text(object(output)['response'] ?? object(output)['text'] ?? output);
}

function text(value: unknown): string {
	return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** A table of the node's items and a line of counts. */
export function describeRun(run: NodeRun): string {
	const items = (run.data?.main ?? []).flatMap((output) => output ?? []);
	const failed = items.filter(({ json }) => json['error'] !== undefined).length;
	const rows = items.map(({ json }, index) => {
		const facts = object(json['run']);
		return [
			index + 1,
			json['status'] ?? (json['error'] === undefined ? '' : 'failed'),
			shortened(gist(json), OUTPUT_WIDTH),
			facts['attempts'] ?? '',
			facts['duration_ms'] ?? '',
			facts['via'] ?? '',
		];
	});
	const inTasks = items.reduce((sum, { json }) => {
		const ms = object(json['run'])['duration_ms'];
		return sum + (typeof ms === 'number' ? ms : 0);
	}, 0);
	const counts = `${items.length} items: ${items.length - failed} completed, ${failed} failed. The node took ${run.executionTime} ms for ${inTasks} ms of tasks.`;
	const hints = (run.hints ?? []).map(({ message }) => `Hint: ${message}`);
	return [
		table(['Item', 'Status', 'Output', 'Attempts', 'ms', 'Via'], rows),
		'',
		counts,
		...hints,
	].join('\n');
}
