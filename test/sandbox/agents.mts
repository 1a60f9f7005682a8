/** The agents of the sandbox: one for each thing that can happen in a turn. */
import { asArray, asRecord, isRecord, text } from './values.mts';

type Json = Readonly<Record<string, unknown>>;

/** How a call that waits for somebody was decided. */
export interface AgentDecision {
	readonly kind: 'approve' | 'reject' | 'answer';
	readonly reason?: string;
	readonly result?: string;
}

/** A tool as an agent calls it. */
export interface AgentCall {
	readonly name: string;
	readonly arguments?: Json;
	/** Default `app`. */
	readonly type?: 'app' | 'client' | 'internal';
}

/** What an agent sees of the turn it takes, and what it can do. */
export interface AgentTurn {
	readonly text: string;
	readonly attachments: readonly Json[];
	/** Values given when the chat was created. */
	readonly context: Json;
	/** The config of an agent that exists for this chat only. */
	readonly config: Json;
	/** What was said before, oldest first. */
	readonly history: ReadonlyArray<{ readonly role: string; readonly text: string }>;
	/** Runs later, unless the turn ends first. */
	after(ms: number, then: () => void): void;
	/** Adds to the message under way; all at once, or as a token delta first. */
	say(piece: string, how?: 'whole' | 'delta'): void;
	/** Adds a file to the message under way. */
	show(type: 'image' | 'file', uri: string): void;
	/** Ends the message under way; the next word begins another one. */
	next(): void;
	/** Calls a tool of the service. */
	call(call: AgentCall, result: string): void;
	/** Calls tools that wait for somebody; goes on when all are decided. */
	ask(calls: readonly AgentCall[], decided: (decisions: readonly AgentDecision[]) => void): void;
	/** Waits for credentials. */
	needAuth(provider: string, then: () => void): void;
	finish(output?: unknown): void;
	fail(error: string, how?: 'run' | 'message' | 'rejected'): void;
}

export interface SandboxAgent {
	readonly namespace: string;
	readonly name: string;
	readonly title: string;
	readonly description: string;
	take(turn: AgentTurn): void;
}

/** How long a turn takes: `(120 ms)` in the message, else a moment. */
function pace(turn: AgentTurn): number {
	return Number(/\((\d+) ms\)/.exec(turn.text)?.[1] ?? 5);
}

function speak(turn: AgentTurn, said: string, then: () => void): void {
	const words = said.match(/\S+\s*/g) ?? [];
	const ms = Math.ceil(pace(turn) / (words.length + 1));
	const go = (index: number): void => {
		const word = words[index];
		if (word === undefined) return then();
		turn.say(word, 'delta');
		turn.after(ms, () => go(index + 1));
	};
	turn.after(ms, () => go(0));
}

function answer(turn: AgentTurn, said: string, output?: unknown): void {
	speak(turn, said, () => turn.finish(output));
}

/** What an agent with a memory says: what this was, and what was said before. */
function remember({ text: said, history }: AgentTurn): string {
	const before = history.filter(({ role }) => role === 'user').map((message) => message.text);
	return before.length === 0
		? `You said "${said}".`
		: `You said "${said}". Before that: ${before.map((one) => `"${one}"`).join(', ')}.`;
}

const REFUND: AgentCall = { name: 'refund', arguments: { order: 'A-17', amount: 25 } };

function verdict(decision: AgentDecision | undefined): string {
	if (decision?.kind === 'approve') return 'Done.';
	return decision?.kind === 'answer'
		? `You answered: ${decision.result ?? ''}`
		: `Not done: ${decision?.reason ?? 'no reason'}.`;
}

const saved: Readonly<Record<string, Omit<SandboxAgent, 'namespace' | 'name'>>> = {
	assistant: {
		title: 'Assistant',
		description: 'Remembers what was said',
		take: (turn) => answer(turn, remember(turn)),
	},
	researcher: {
		title: 'Researcher',
		description: 'Says something, uses a tool, says something else',
		take(turn) {
			speak(turn, 'Let me look. ', () => {
				turn.call({ name: 'look_up', arguments: { query: turn.text } }, 'found it');
				turn.next();
				answer(turn, `Found: ${turn.text}`);
			});
		},
	},
	support: {
		title: 'Support',
		description: 'Refunds need an approval',
		take(turn) {
			speak(turn, 'I would refund that. ', () => {
				turn.ask([REFUND], ([decision]) => {
					turn.next();
					answer(turn, verdict(decision));
				});
			});
		},
	},
	'careful-support': {
		title: 'Careful Support',
		description: 'Two approvals at once',
		take(turn) {
			turn.ask([REFUND, { name: 'close_ticket' }], (decisions) => {
				turn.next();
				answer(turn, decisions.map(verdict).join(' '));
			});
		},
	},
	insatiable: {
		title: 'Insatiable',
		description: 'Asks for one approval after another',
		take(turn) {
			const again = (): void => {
				turn.ask([REFUND], () => {
					turn.next();
					again();
				});
			};
			again();
		},
	},
	'client-tool': {
		title: 'Client Tool',
		description: 'Needs the result of a tool that the client runs',
		take(turn) {
			turn.ask(
				[{ name: 'read_thermometer', arguments: { room: 'kitchen' }, type: 'client' }],
				([decision]) => {
					turn.next();
					answer(turn, verdict(decision));
				},
			);
		},
	},
	mail: {
		title: 'Mail',
		description: 'Has no credentials',
		take: (turn) => turn.needAuth('google', () => answer(turn, 'Sent.')),
	},
	failing: {
		title: 'Failing',
		description: 'Its run fails',
		take: (turn) => turn.after(pace(turn), () => turn.fail('the model is overloaded')),
	},
	stumbling: {
		title: 'Stumbling',
		description: 'Its message fails',
		take: (turn) => turn.after(pace(turn), () => turn.fail('the context is too long', 'message')),
	},
	strict: {
		title: 'Strict',
		description: 'Rejects every message',
		take: (turn) => turn.after(pace(turn), () => turn.fail('not my business', 'rejected')),
	},
	slow: { title: 'Slow', description: 'Never ends by itself', take: () => {} },
	silent: {
		title: 'Silent',
		description: 'Ends without a word',
		take: (turn) => turn.after(pace(turn), () => turn.finish()),
	},
	painter: {
		title: 'Painter',
		description: 'Answers with files, and names those that it got',
		take(turn) {
			const names = turn.attachments.map((file) => text(file['filename'], text(file['uri'])));
			turn.show('image', 'https://cloud.inference.sh/app/files/t/x/a.png');
			turn.show('file', 'https://cloud.inference.sh/app/files/t/x/b.pdf');
			answer(turn, `Got ${names.join(', ') || 'nothing'}.`);
		},
	},
};

export const sandboxAgents: readonly SandboxAgent[] = Object.entries(saved).map(
	([name, agent]) => ({ namespace: 'sandbox', name, ...agent }),
);

/** A value that fits a schema, made of the text that it is to be extracted from. */
function example(schema: Json, said: string): unknown {
	const known = asArray(schema['enum'])[0];
	if (known !== undefined) return known;
	switch (schema['type']) {
		case 'object': {
			const properties = Object.entries(asRecord(schema['properties']));
			return Object.fromEntries(
				properties.map(([key, one]) => [key, example(asRecord(one), said)]),
			);
		}
		case 'array':
			return [example(asRecord(schema['items']), said)];
		case 'integer':
		case 'number':
			return Number(/\d+/.exec(said)?.[0] ?? said.length);
		case 'boolean':
			return said.includes('!');
		default:
			return said;
	}
}

/**
 * An agent that exists for one chat: structured if it has a schema and may finish; asks for the
 * first tool whose name the message mentions; else it has a memory.
 */
export const adHocAgent: Pick<SandboxAgent, 'take'> = {
	take(turn) {
		const { config, text: said } = turn;
		const tool = asArray(config['tools'])
			.filter(isRecord)
			.find((one) => said.includes(text(one['name'], '?')));
		const schema = config['output_schema'];
		if (isRecord(schema) && asRecord(config['internal_tools'])['finish'] === true) {
			turn.after(pace(turn), () => turn.finish(example(schema, said)));
		} else if (tool && (tool['require_approval'] === true || tool['type'] === 'client')) {
			const type = tool['type'] === 'client' ? 'client' : 'app';
			const call: AgentCall = { name: text(tool['name']), arguments: { said }, type };
			turn.ask([call], ([decision]) => {
				turn.next();
				answer(turn, verdict(decision));
			});
		} else {
			const prompt = text(config['system_prompt']);
			answer(turn, `${prompt === '' ? '' : `[${prompt}] `}${remember(turn)}`);
		}
	},
};
