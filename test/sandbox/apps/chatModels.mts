/**
 * Language models that speak the platform's contract, as the real ones do: with a history, tools,
 * images and reasoning. What they answer is scripted by what they are told:
 *
 * - `call add {"a":1} call add {"a":2}` calls tools in parallel, `… then call …` in the next step
 * - `200 words`, `every 50 ms`, `think 100 ms`: how long the answer is, and how fast it comes
 * - `earlier`: names what the user has said before; `fail with "…"` fails
 */
import type { Job, JsonSchema, SandboxApp } from '../types.mts';
import { asArray, asRecord, isRecord, text } from '../util/values.mts';
import { answerPieces, usageSchema } from './language.mts';
import { file, inputSchema, integer, number, optional, outputSchema, string } from './schemas.mts';

interface Call {
	readonly id: string;
	readonly name: string;
	readonly arguments: string;
}
interface Said {
	readonly role: string;
	readonly text: string;
	readonly calls: readonly Call[];
	readonly callId: string;
	readonly images: readonly string[];
}

function saidIn(wire: Readonly<Record<string, unknown>>): Said {
	return {
		role: text(wire['role'], 'user'),
		text: text(wire['text']),
		calls: asArray(wire['tool_calls'])
			.filter(isRecord)
			.map((call) => {
				const called = asRecord(call['function']);
				const {
					id,
					name,
					arguments: given,
				} = { id: call['id'], ...called } as Record<string, unknown>;
				return { id: text(id), name: text(name), arguments: text(given) };
			}),
		callId: text(wire['tool_call_id']),
		images: asArray(wire['images']).map((image) => text(isRecord(image) ? image['uri'] : image)),
	};
}

/** Many apps put neighbouring messages of one role together, and keep the first id only. */
function neighboursMerged(all: readonly Said[]): readonly Said[] {
	const merged: Said[] = [];
	for (const said of all) {
		const before = merged.at(-1);
		if (before?.role !== said.role) {
			merged.push(said);
			continue;
		}
		merged[merged.length - 1] = {
			...before,
			text: [before.text, said.text].filter((one) => one !== '').join('\n\n'),
			calls: [...before.calls, ...said.calls],
			images: [...before.images, ...said.images],
		};
	}
	return merged;
}

/** What providers refuse: a call whose result does not follow, a result without a call. */
function mismatchIn(all: readonly Said[]): string | undefined {
	for (const [index, { role, calls, callId }] of all.entries()) {
		const next = all[index + 1];
		const missing = calls.filter(({ id }) => next?.role !== 'tool' || next.callId !== id);
		if (missing.length > 0) {
			return `tool calls must be followed by their results; missing: ${missing.map(({ id }) => id).join(', ')}`;
		}
		const known = all[index - 1]?.calls.some(({ id }) => id === callId) ?? false;
		if (role === 'tool' && !known) return `the result of ${callId} follows on no call of it`;
	}
	return undefined;
}

/** Why a provider would refuse a conversation; undefined if it takes it. */
export function refusalOf(input: Readonly<Record<string, unknown>>): string | undefined {
	return mismatchIn(conversationIn(input));
}

function conversationIn(input: Readonly<Record<string, unknown>>): readonly Said[] {
	const { text: last, role, tool_call_id, images, context } = input;
	const current = saidIn({ text: last, role, tool_call_id, images });
	const history = asArray(context).filter(isRecord).map(saidIn);
	const isPrefill = current.role === 'assistant' && current.text === '';
	return neighboursMerged(isPrefill ? history : [...history, current]);
}

const CALL = /call ([\w-]+) (\{[^{}]*\})/g;

/** The calls of the step that is due, or none. */
function dueCalls(
	said: string,
	answered: number,
	tools: readonly string[],
): Array<Omit<Call, 'id'>> {
	let before = 0;
	for (const step of said.split(/\bthen\b/)) {
		const calls = [...step.matchAll(CALL)]
			.map(([, name = '', given = '']) => ({ name, arguments: given }))
			.filter(({ name }) => tools.includes(name));
		if (before + calls.length > answered) return calls.slice(Math.max(0, answered - before));
		before += calls.length;
	}
	return [];
}

const numberIn = (said: string, pattern: RegExp, fallback: number): number =>
	Number(pattern.exec(said)?.[1] ?? fallback);

interface Answer {
	readonly reasoning: string;
	readonly pieces: readonly string[];
	readonly calls: readonly Call[];
}

function answerTo(job: Job, all: readonly Said[]): Answer | string {
	const asked = all.findLastIndex(({ role }) => role === 'user');
	const question = all[asked]?.text ?? '';
	const [, failure] = /fail with "([^"]*)"/.exec(question) ?? [];
	if (failure !== undefined) return failure;
	const since = all.slice(asked + 1);
	const results = since.filter(({ role }) => role === 'tool').map((said) => said.text);
	const tools = asArray(job.input['tools'])
		.filter(isRecord)
		.map((tool) => text(asRecord(tool['function'])['name']));
	const calls = dueCalls(question, results.length, tools).map((call) => {
		const id = Number(job.memory.get('calls') ?? 0) + 1;
		job.memory.set('calls', id);
		return { ...call, id: `call_${id}` };
	});
	const thinks = !['', 'none'].includes(text(job.input['reasoning_effort']));
	const reasoning = thinks ? 'First look at what was asked.' : '';
	if (calls.length > 0) return { reasoning, pieces: [], calls };
	const seen: string[] = [];
	for (const uri of all.flatMap(({ images }) => images)) {
		const image = job.files.describe(uri);
		if (!image && !uri.startsWith('http')) return `cannot read ${uri}`;
		seen.push(image ? `${image.contentType} of ${image.size} bytes` : uri);
	}
	const earlier = all
		.slice(0, asked)
		.filter(({ role }) => role === 'user')
		.map((said) => said.text);
	const start =
		results.length > 0
			? ['The tools say: ', results.join('; ')]
			: question.includes('earlier')
				? ['Earlier you said: ', earlier.join('; ')]
				: answerPieces(
						question,
						numberIn(question, /(\d+) words/, Number(job.input['tokens'] ?? 12)),
					);
	const pictures = seen.length > 0 ? [` I see ${seen.join(' and ')}.`] : [];
	return { reasoning, pieces: [...start, ...pictures], calls: [] };
}

/** In the pieces in which providers stream them: parallel ones mixed, each with its index. */
function callDeltas(calls: readonly Call[]): readonly unknown[] {
	const begun = calls.map(({ id, name }, index) => ({
		tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }],
	}));
	const longest = Math.max(0, ...calls.map((call) => call.arguments.length));
	const pieces: unknown[] = [];
	for (let at = 0; at < longest; at += 4) {
		for (const [index, call] of calls.entries()) {
			const piece = call.arguments.slice(at, at + 4);
			if (piece !== '') pieces.push({ tool_calls: [{ index, function: { arguments: piece } }] });
		}
	}
	return [...begun, ...pieces];
}

/** Answers as a language model that speaks the contract. */
export function talk(job: Job): void {
	const all = conversationIn(job.input);
	const mismatch = mismatchIn(all);
	const answer = mismatch ?? answerTo(job, all);
	if (typeof answer === 'string') {
		job.fail(answer);
		return;
	}
	const question = all.findLast((said) => said.role === 'user')?.text ?? '';
	const everyMs = numberIn(question, /every (\d+) ms/, Number(job.input['delayMs'] ?? 5));
	const most = Number(job.input['max_tokens'] ?? 10_000);
	const pieces = answer.pieces.slice(0, most);
	const { reasoning, calls } = answer;
	const half = Math.ceil(reasoning.length / 2);
	const deltas = [
		...[reasoning.slice(0, half), reasoning.slice(half)]
			.filter((piece) => piece !== '')
			.map((piece) => ({ reasoning: piece })),
		...pieces.map((response) => ({ response })),
		...callDeltas(calls),
	];
	const promptTokens = Math.ceil(JSON.stringify(job.input).length / 4);
	const usage = {
		stop_reason:
			calls.length > 0 ? 'tool_calls' : pieces.length < answer.pieces.length ? 'length' : 'stop',
		prompt_tokens: promptTokens,
		completion_tokens: deltas.length,
		total_tokens: promptTokens + deltas.length,
		reasoning_tokens: reasoning === '' ? 0 : 2,
	};
	const step = (index: number): void => {
		const delta = deltas[index];
		if (delta !== undefined) {
			job.update({ delta });
			job.after(everyMs, () => step(index + 1));
			return;
		}
		job.finish({
			response: pieces.join(''),
			reasoning: reasoning === '' ? null : reasoning,
			tool_calls:
				calls.length === 0
					? null
					: calls.map(({ id, name, arguments: given }) => {
							return { id, type: 'function', function: { name, arguments: given } };
						}),
			usage,
			output_meta: null,
		});
	};
	// No real model answers so fast that the first words are there before anybody listens.
	job.after(numberIn(question, /think (\d+) ms/, Number(job.input['thinkMs'] ?? 150)), () =>
		step(0),
	);
}

const fileList = (title: string): JsonSchema =>
	optional({ type: 'array', items: file(title), title });

const roles: JsonSchema = {
	type: 'string',
	enum: ['user', 'assistant', 'system', 'tool'],
	title: 'ContextMessageRole',
};
const message: JsonSchema = {
	type: 'object',
	title: 'ContextMessage',
	required: ['role', 'text'],
	properties: {
		role: { $ref: '#/$defs/ContextMessageRole' },
		text: string('Text'),
		reasoning: optional(string('Reasoning')),
		images: fileList('Images'),
		files: fileList('Files'),
		tool_calls: optional({
			type: 'array',
			items: { type: 'object', additionalProperties: true },
			title: 'Tool Calls',
		}),
		tool_call_id: optional(string('Tool Call Id')),
	},
};
const plain: Readonly<Record<string, JsonSchema>> = {
	context_size: integer('Context Size', { default: 8192 }),
	system_prompt: string('System Prompt', { default: 'you are a helpful assistant.' }),
	context: {
		type: 'array',
		items: { $ref: '#/$defs/ContextMessage' },
		default: [],
		title: 'Context',
	},
	role: { $ref: '#/$defs/ContextMessageRole', default: 'user' },
	text: string('Text'),
};
const able: Readonly<Record<string, JsonSchema>> = {
	...plain,
	context_size: integer('Context Size', { default: 200_000 }),
	images: fileList('Images'),
	files: fileList('Files'),
	tools: optional({
		type: 'array',
		items: { type: 'object', additionalProperties: true },
		title: 'Tools',
	}),
	tool_call_id: optional(string('Tool Call Id')),
	reasoning: optional(string('Reasoning')),
	reasoning_effort: { $ref: '#/$defs/ReasoningEffortEnum', default: 'none' },
	temperature: number('Temperature', { minimum: 0, maximum: 1, default: 0.7 }),
	top_p: number('Top P', { minimum: 0, maximum: 1, default: 0.95 }),
	max_tokens: integer('Max Tokens', { default: 64_000 }),
};
const $defs = {
	ContextMessage: message,
	ContextMessageRole: roles,
	ReasoningEffortEnum: {
		type: 'string',
		enum: ['low', 'medium', 'high', 'none'],
		title: 'ReasoningEffortEnum',
	},
};
const output = outputSchema(
	{
		response: string('Response'),
		reasoning: optional(string('Reasoning')),
		tool_calls: optional({ type: 'array', items: { type: 'object' }, title: 'Tool Calls' }),
		usage: usageSchema,
	},
	['response'],
);

/** What an app of the store takes and gives that can do all of it. */
export const ableFunctions: SandboxApp['functions'] = {
	run: { input: inputSchema(able, ['text'], { $defs }), output },
};

function model(
	name: string,
	title: string,
	description: string,
	fields: Readonly<Record<string, JsonSchema>>,
): SandboxApp {
	return {
		namespace: 'sandbox',
		name,
		title,
		description,
		category: 'chat',
		price: [1_000_000, 5_000_000],
		functions: { run: { input: inputSchema(fields, ['text'], { $defs }), output } },
		run: talk,
	};
}

/** Apps that speak the contract. */
export const chatModels: readonly SandboxApp[] = [
	model('chat', 'Chat', 'A language model with tools, images and reasoning.', able),
	model('chat-plain', 'Plain Chat', 'A language model that takes nothing but text.', plain),
];

/** Whether an app speaks the contract, as the platform decides when it is deployed. */
export function isChatModel({ functions }: SandboxApp): boolean {
	const input = asRecord(functions['run']?.input['properties']);
	return 'text' in input && 'context' in input;
}
