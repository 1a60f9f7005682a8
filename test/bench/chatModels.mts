/** How long the words of a language model take to whoever asks it in n8n, beside n8n's node for OpenAI. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { installedN8n } from '../e2e/n8n/install.mts';
import type { Bench, Measure } from './measures.mts';
import { figure, median } from './statistics.mts';

/** How long the model thinks before its first word. */
const THINKING_MS = 150;
const LONGEST_MS = 300_000;

export type ModelName = 'ours' | 'openai';

/** One question, by the machine's clock. */
export interface Asked {
	readonly askedAt: number;
	readonly pieces: ReadonlyArray<{ readonly saidAt: number; readonly gotAt: number }>;
}

interface Report {
	readonly asked: Readonly<Record<ModelName, readonly Asked[]>>;
	/** Names of hosts. */
	readonly lookedUp: readonly string[];
}

const NODES: ReadonlyArray<readonly [name: ModelName, node: string]> = [
	['ours', 'Inference.sh Chat Model'],
	['openai', "n8n's OpenAI Chat Model"],
];

function quantile(values: readonly number[], share: number): string {
	const sorted = [...values].sort((left, right) => left - right);
	return (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1);
}

export async function chatModels({ service, dist, quick }: Bench): Promise<Measure[]> {
	const { folder } = await installedN8n((line) => console.error(line));
	await service.reset();
	const child = fork(
		path.join(import.meta.dirname, 'chatModelsProcess.mts'),
		[dist, service.url, service.apiKey, `Think for ${THINKING_MS} ms.`, quick ? '10' : '50'],
		{ execArgv: [], timeout: LONGEST_MS, env: { ...process.env, N8N_HOST: folder } },
	);
	const ended = once(child, 'exit').then(([code]) => {
		throw new Error(`Asking the models exited with ${String(code)}`);
	});
	const [{ asked, lookedUp }] = (await Promise.race([once(child, 'message'), ended])) as [Report];
	await ended.catch(() => {});
	const hosts = lookedUp.length === 0 ? 'no other host' : lookedUp.join(', ');
	/** @param answers one or more delays of each answer, ms */
	const measure = (id: string, what: string, answers: readonly number[][]): Measure => ({
		id: `latency.chat.${id}`,
		what,
		unit: 'ms',
		figure: figure(answers.map(median)),
		note: `95th percentile ${quantile(answers.flat(), 0.95)} ms of ${answers.flat().length}; looked up: ${hosts}`,
	});
	return NODES.flatMap(([name, node]) => {
		const answers = asked[name];
		const late = answers.map(({ pieces }) => pieces.map(({ saidAt, gotAt }) => gotAt - saidAt));
		const first = answers.map(({ askedAt, pieces }) => {
			return [(pieces[0]?.gotAt ?? Number.NaN) - askedAt - THINKING_MS];
		});
		return [
			measure(
				`${name}.first`,
				`The model says its first word → ${node} hands it on`,
				late.map((delays) => delays.slice(0, 1)),
			),
			measure(`${name}.each`, 'the same, all words', late),
			measure(
				`${name}.asked`,
				`Asked → the first word, without the model's own ${THINKING_MS} ms`,
				first,
			),
		];
	});
}
