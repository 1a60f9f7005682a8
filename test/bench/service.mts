/** The service: a sandbox in a process of its own, asked and told over IPC by `serviceProcess.mts`. */
import { ableFunctions } from '../sandbox/apps/chatModels.mts';
import { startSandbox, type SandboxApp } from '../sandbox/index.mts';
import { machineTime, wallTime } from './clock.mts';
import type { Answer, Question } from './serviceProcess.mts';

/** Takes as long as it is told to, and its output says when it ended by the machine's clock. */
const timed: SandboxApp = {
	namespace: 'bench',
	name: 'timed',
	title: 'Timed',
	description: 'Says when it was done.',
	category: 'other',
	functions: {
		run: {
			input: { type: 'object', properties: { ms: { type: 'integer' } } },
			output: { type: 'object', properties: { at: { type: 'number' } } },
		},
	},
	run: (job) => job.after(Number(job.input['ms']), () => job.finish({ at: machineTime() })),
};

/** Logs lines at intervals; each one is the time of its writing. */
const talking: SandboxApp = {
	...timed,
	name: 'talking',
	title: 'Talking',
	description: 'Says what time it is, again and again.',
	run: (job) => {
		const say = (left: number) => {
			if (left === 0) return job.finish({});
			job.update({ log: `${wallTime()}\n` });
			job.after(Number(job.input['everyMs']), () => say(left - 1));
		};
		say(Number(job.input['lines']));
	},
};

/** A language model: thinks for as long as it is asked to, and then says what time it is by the machine's clock, a word at a time. */
const answering: SandboxApp = {
	...timed,
	name: 'answering',
	title: 'Answering',
	description: 'Says what time it is.',
	functions: ableFunctions,
	run: (job) => {
		const words: string[] = [];
		const say = () => {
			if (words.length === ANSWER_WORDS) return job.finish({ response: words.join('') });
			const word = `${machineTime()} `;
			words.push(word);
			job.update({ delta: { response: word } });
			job.after(ANSWER_EVERY_MS, say);
		};
		const [, thinkMs] = /(\d+) ms/.exec(String(job.input['text'])) ?? [];
		job.after(Number(thinkMs), say);
	},
};
const ANSWER_WORDS = 20;
const ANSWER_EVERY_MS = 10;

/** Is done at once, and makes the rows of lists 30 kB long: they embed the app. */
const archived: SandboxApp = {
	...timed,
	name: 'archived',
	title: 'Archived',
	description: 'What it does. '.repeat(2_140),
	instant: true,
	run: (job) => job.finish({ at: machineTime() }),
};

/** So many fields that their schema is about 1 MB. */
const FIELDS = 25_000;

/** Has one field after another. */
const wide: SandboxApp = {
	...timed,
	name: 'wide',
	title: 'Wide',
	functions: {
		run: {
			input: {
				type: 'object',
				properties: Object.fromEntries(
					Array.from({ length: FIELDS }, (_, index) => [`field_${index}`, { type: 'string' }]),
				),
			},
			output: {},
		},
	},
	run: (job) => job.finish({}),
};

const itself = { $ref: '#/$defs/Node' };
/** Has a type that contains itself, ten times. */
const recursive: SandboxApp = {
	...wide,
	name: 'recursive',
	title: 'Recursive',
	functions: {
		run: {
			input: {
				type: 'object',
				properties: { root: itself },
				$defs: {
					Node: {
						type: 'object',
						properties: Object.fromEntries(
							Array.from({ length: 10 }, (_, index) => [`child_${index}`, itself]),
						),
					},
				},
			},
			output: {},
		},
	},
};

/** Writes an answer in so many pieces, as fast as it can. */
const writing: SandboxApp = {
	...timed,
	name: 'writing',
	title: 'Writing',
	description: 'Writes an answer in many pieces.',
	functions: {
		run: {
			input: { type: 'object', properties: { pieces: { type: 'integer' } } },
			output: { type: 'object', properties: { response: { type: 'string' } } },
		},
	},
	run: (job) => {
		const pieces = Number(job.input['pieces']);
		const write = (left: number) => {
			if (left <= 0) return job.finish({ response: 'word '.repeat(pieces) });
			for (let piece = 0; piece < Math.min(left, PIECES_AT_ONCE); piece += 1) {
				job.update({ delta: { response: 'word ' } });
			}
			job.after(1, () => write(left - PIECES_AT_ONCE));
		};
		// Somebody listens by then.
		job.after(200, () => write(pieces));
	},
};
const PIECES_AT_ONCE = 500;

const sandbox = await startSandbox({
	record: false,
	recordBodies: false,
	apps: [timed, talking, answering, writing, archived, wide, recursive],
});

function answer(question: Question): Answer {
	switch (question.ask) {
		case 'address':
			return { url: sandbox.url, apiKey: sandbox.apiKey };
		case 'reset':
			sandbox.reset();
			sandbox.configure({
				record: question.record,
				...(question.plan !== undefined && { schedulerLimit: question.plan }),
			});
			return null;
		case 'workspaces':
			for (const apiKey of question.apiKeys) sandbox.workspace(apiKey);
			return null;
		case 'requests':
			return sandbox.requests.length;
		case 'running':
			return sandbox.running().length;
		case 'ends':
			return sandbox.tasks().map(({ status, finishedAt = Infinity }) => ({ status, finishedAt }));
		case 'spans':
			return sandbox
				.tasks()
				.flatMap(({ createdAt, startedAt, finishedAt, input }) =>
					startedAt === undefined || finishedAt === undefined
						? []
						: [{ createdAt, startedAt, finishedAt, input }],
				);
	}
}

process.on('message', ({ id, question }: { id: number; question: Question }) => {
	process.send?.({ id, answer: answer(question) });
});
// Whoever started it is gone, or done with it.
process.on('disconnect', () => {
	void sandbox.close().then(() => process.exit(0));
});
