/** The workspace's own apps: one for each behaviour that a client must cope with. */
import {
	anything,
	boolean,
	file,
	inputSchema,
	integer,
	optional,
	outputSchema,
	string,
} from './schemas.mts';
import type { Job, JsonSchema, Refusal, SandboxApp } from '../types.mts';
import { chatModels } from './chatModels.mts';
import { speak, usageSchema, write } from './language.mts';
import { mp4, png } from './media.mts';
import { text } from '../util/values.mts';

const NAMESPACE = 'sandbox';

interface Single extends Omit<SandboxApp, 'namespace' | 'functions'> {
	readonly input: JsonSchema;
	readonly output: JsonSchema;
}

/** An app of the workspace with the one function `run`. */
function single(definition: Single): SandboxApp {
	const { input, output, ...rest } = definition;
	return { ...rest, namespace: NAMESPACE, functions: { run: { input, output } } };
}

const milliseconds = (title: string, extra = {}): JsonSchema =>
	integer(title, { minimum: 0, ...extra });
const free: JsonSchema = { type: 'object', title: 'AppInput', properties: {} };

function afterMs(job: Job, then: () => void): void {
	const ms = Number(job.input['ms'] ?? 0);
	if (ms > 0) job.after(ms, then);
	else then();
}

const ofNumber = (job: Job, name: string, fallback: number): number =>
	Number(job.input[name] ?? fallback);

const problemBody = (
	status: number,
	code: string,
	title: string,
	detail: string,
	extra = {},
): Refusal => ({
	status,
	contentType: 'application/problem+json',
	body: { type: `https://api.inference.sh/errors/${code}`, title, status, detail, ...extra },
});

const behaviours: readonly SandboxApp[] = [
	single({
		name: 'echo',
		title: 'Echo',
		description: 'Returns its input.',
		category: 'other',
		price: 1_000_000,
		input: {
			...inputSchema({
				text: optional(string('Text', { description: 'Anything to say' })),
				ms: optional(milliseconds('Duration', { description: 'How long to think, in ms' })),
				value: optional(anything('Value')),
			}),
		},
		output: outputSchema({ echo: { type: 'object', title: 'Echo' } }),
		run: (job) => afterMs(job, () => job.finish({ echo: job.input })),
	}),
	single({
		name: 'instant',
		title: 'Instant',
		description: 'Is completed in the answer to the submission.',
		category: 'text',
		price: 1_000_000,
		instant: true,
		input: inputSchema({ text: optional(string('Text')) }),
		output: outputSchema({ text: string('Text') }),
		run: (job) => job.finish({ text: job.input['text'] ?? 'instant' }),
	}),
	single({
		name: 'sleep',
		title: 'Sleep',
		description: 'Takes as long as it is told to.',
		category: 'other',
		price: 2_000_000,
		input: inputSchema({ ms: milliseconds('Duration'), value: optional(anything('Value')) }, [
			'ms',
		]),
		output: outputSchema({ slept: integer('Slept'), value: anything('Value') }, ['slept']),
		run(job) {
			const ms = ofNumber(job, 'ms', 0);
			job.after(ms, () => job.finish({ slept: ms, value: job.input['value'] }));
		},
	}),
	single({
		name: 'fail',
		title: 'Fail',
		description: 'Fails with the message it is given.',
		category: 'other',
		input: inputSchema({
			message: optional(string('Message')),
			ms: optional(milliseconds('Duration')),
		}),
		output: outputSchema({}),
		run: (job) => afterMs(job, () => job.fail(text(job.input['message'], 'the app failed'))),
	}),
	single({
		name: 'flaky',
		title: 'Flaky',
		description: 'Fails the first tasks of a key, then completes.',
		category: 'other',
		input: inputSchema(
			{ key: string('Key'), failures: integer('Failures', { minimum: 0, default: 1 }) },
			['key'],
		),
		output: outputSchema({ key: string('Key'), attempts: integer('Attempts') }),
		run(job) {
			const key = `flaky:${text(job.input['key'])}`;
			const attempt = Number(job.memory.get(key) ?? 0) + 1;
			job.memory.set(key, attempt);
			if (attempt <= ofNumber(job, 'failures', 1)) job.fail(`attempt ${attempt} failed`);
			else job.finish({ key: job.input['key'], attempts: attempt });
		},
	}),
	single({
		name: 'manual',
		title: 'Manual',
		description: 'Runs until somebody ends it from outside.',
		category: 'other',
		input: free,
		output: { type: 'object', title: 'AppOutput', properties: {} },
		run: () => undefined,
	}),
	single({
		name: 'queue',
		title: 'Queue',
		description: 'Waits for a worker that never comes.',
		category: 'other',
		neverStarts: true,
		input: free,
		output: outputSchema({}),
		run: () => undefined,
	}),
	single({
		name: 'llm',
		title: 'Language Model',
		description: 'Streams an answer token by token.',
		category: 'chat',
		price: [1_000_000, 5_000_000],
		input: inputSchema(
			{
				text: string('Text', { description: 'The message to answer' }),
				tokens: integer('Tokens', { minimum: 1, maximum: 10_000, default: 12 }),
				delayMs: milliseconds('Delay', { default: 5 }),
				thinkMs: optional(milliseconds('Thinking Time')),
			},
			['text'],
		),
		output: outputSchema({ response: string('Response'), usage: usageSchema }, ['response']),
		run: speak,
	}),
	single({
		name: 'writer',
		title: 'Writer',
		description: 'Thinks, calls a tool, logs and writes an answer that can be read while it grows.',
		category: 'chat',
		price: [1_000_000, 5_000_000],
		input: inputSchema(
			{
				text: string('Text', { description: 'What to write about' }),
				words: integer('Words', { minimum: 1, maximum: 10_000, default: 6 }),
				delayMs: milliseconds('Delay', { default: 5 }),
				thinkMs: optional(milliseconds('Thinking Time')),
			},
			['text'],
		),
		output: outputSchema({ response: string('Response'), usage: usageSchema }, ['response']),
		run: write,
	}),
	single({
		name: 'video',
		title: 'Video',
		description: 'Goes through every status and reports its progress in the log.',
		category: 'video',
		price: [20_000_000, 200_000_000],
		input: inputSchema(
			{
				prompt: string('Prompt'),
				duration: optional(integer('Duration', { minimum: 1, maximum: 20 })),
				steps: integer('Steps', { minimum: 1, maximum: 100, default: 4 }),
				stepMs: milliseconds('Step Duration', { default: 10 }),
			},
			['prompt'],
		),
		output: outputSchema({ video: file('Video') }),
		run(job) {
			const steps = ofNumber(job, 'steps', 4);
			const stepMs = ofNumber(job, 'stepMs', 10);
			const plan: Array<() => void> = [
				() => job.update({ status: 'dispatched' }),
				() => job.update({ status: 'preparing', log: 'loading model\n' }),
				() => job.update({ status: 'running' }),
				...Array.from(
					{ length: steps },
					(_, step) => () => job.update({ log: `step ${step + 1}/${steps}\n` }),
				),
				() => job.update({ status: 'uploading' }),
				() => job.finish({ video: job.files.publish(mp4(), 'video/mp4', 'mp4') }),
			];
			const advance = (index: number): void => {
				plan[index]?.();
				if (index + 1 < plan.length) job.after(stepMs, () => advance(index + 1));
			};
			job.after(stepMs, () => advance(0));
		},
	}),
	single({
		name: 'image',
		title: 'Image',
		description: 'Paints a picture.',
		category: 'image',
		price: 4_000_000,
		input: inputSchema(
			{
				prompt: string('Prompt'),
				width: optional(integer('Width', { minimum: 1, maximum: 1024 })),
				height: optional(integer('Height', { minimum: 1, maximum: 1024 })),
				ms: optional(milliseconds('Duration')),
			},
			['prompt'],
		),
		output: outputSchema({ image: file('Image') }),
		run(job) {
			afterMs(job, () => {
				const bytes = png(ofNumber(job, 'width', 16), ofNumber(job, 'height', 16), [90, 60, 200]);
				job.finish({ image: job.files.publish(bytes, 'image/png', 'png') });
			});
		},
	}),
	single({
		name: 'counter',
		title: 'Counter',
		description: 'Counts the calls of its session.',
		category: 'other',
		needsSession: true,
		input: inputSchema({
			by: integer('By', { default: 1 }),
			ms: optional(milliseconds('Duration')),
		}),
		output: outputSchema({ count: integer('Count') }),
		run(job) {
			afterMs(job, () => {
				const count = Number(job.session?.get('count') ?? 0) + ofNumber(job, 'by', 1);
				job.session?.set('count', count);
				job.finish({ count });
			});
		},
	}),
	{
		namespace: NAMESPACE,
		name: 'multi',
		title: 'Multi',
		description: 'Has several functions, one of them live.',
		category: 'text',
		functions: {
			upper: {
				description: 'Text in capitals',
				input: inputSchema({ text: string('Text') }, ['text']),
				output: outputSchema({ text: string('Text') }),
			},
			lower: {
				description: 'Text in small letters',
				input: inputSchema({ text: string('Text'), trim: boolean('Trim', { default: false }) }, [
					'text',
				]),
				output: outputSchema({ text: string('Text') }),
			},
			live: {
				description: 'Talks through a socket',
				kind: 'stream',
				input: inputSchema({
					audio: { type: 'array', format: 'stream', items: { type: 'string' }, title: 'Audio' },
				}),
				output: outputSchema({}),
			},
		},
		run(job) {
			const said = text(job.input['text']);
			if (job.functionName === 'upper') job.finish({ text: said.toUpperCase() });
			if (job.functionName === 'lower') {
				job.finish({ text: (job.input['trim'] === true ? said.trim() : said).toLowerCase() });
			}
		},
	},
	single({
		name: 'secret',
		title: 'Secret',
		description: 'Wants a secret and an integration that nobody has set up.',
		category: 'other',
		secrets: ['SANDBOX_API_KEY'],
		input: free,
		output: outputSchema({}),
		refuse: {
			status: 412,
			contentType: 'application/json',
			body: {
				satisfied: false,
				errors: [
					{
						type: 'secret',
						key: 'SANDBOX_API_KEY',
						message: 'Missing required secret: SANDBOX_API_KEY',
						action: { type: 'add_secret', secret_key: 'SANDBOX_API_KEY' },
					},
					{
						type: 'integration',
						key: 'google.sheets',
						message: 'Missing required integration: Google Sheets',
						action: {
							type: 'connect',
							provider: 'google',
							provider_name: 'Google Sheets',
							scopes: ['https://www.googleapis.com/auth/spreadsheets'],
							scope_descriptions: {
								'https://www.googleapis.com/auth/spreadsheets': 'Read and write spreadsheets',
							},
						},
					},
				],
			},
		},
		run: () => undefined,
	}),
	single({
		name: 'paid',
		title: 'Paid',
		description: 'Is beyond the plan.',
		category: 'other',
		input: free,
		output: outputSchema({}),
		refuse: problemBody(
			402,
			'payment_required',
			'Payment Required',
			'task executions limit reached',
			{
				meta: {
					resource: 'task_executions',
					resource_label: 'Task executions',
					limit: 100,
					current: 100,
					upgrade_available: true,
				},
			},
		),
		run: () => undefined,
	}),
	single({
		name: 'featured',
		title: 'Featured',
		description: 'Needs a feature that the plan does not have.',
		category: 'other',
		input: free,
		output: outputSchema({}),
		refuse: problemBody(
			403,
			'feature_not_available',
			'Forbidden',
			'this app needs the feature GPU priority',
			{
				meta: {
					resource: 'feature:gpu_priority',
					resource_label: 'GPU priority',
					upgrade_available: true,
					addon_plan_id: 'plan_gpu',
					addon_plan_name: 'GPU Pack',
					addon_plan_price: 1_250,
				},
			},
		),
		run: () => undefined,
	}),
	single({
		name: 'retired',
		title: 'Retired',
		description: 'Has been taken out of service for good.',
		category: 'other',
		input: free,
		output: outputSchema({}),
		refuse: problemBody(410, 'app_retired', 'Gone', 'app is retired', {
			status_message: 'Use sandbox/echo instead.',
		}),
		run: () => undefined,
	}),
	single({
		name: 'maintenance',
		title: 'Maintenance',
		description: 'Is out of service for a while.',
		category: 'other',
		input: free,
		output: outputSchema({}),
		refuse: {
			...problemBody(503, 'app_maintenance', 'Service Unavailable', 'app is under maintenance', {
				status_message: 'Back at noon.',
			}),
			headers: { 'retry-after': '3600' },
		},
		run: () => undefined,
	}),
	single({
		name: 'forbidden',
		title: 'Forbidden',
		description: 'Needs a scope that the key lacks.',
		category: 'other',
		input: free,
		output: outputSchema({}),
		refuse: problemBody(403, 'forbidden', 'Forbidden', 'missing scope: apps:execute'),
		run: () => undefined,
	}),
	single({
		name: 'setup',
		title: 'Setup',
		description: 'Returns the setup it was started with.',
		category: 'other',
		setup: inputSchema({
			model: optional(string('Model')),
			precision: optional(string('Precision')),
		}),
		input: inputSchema({ text: optional(string('Text')) }),
		output: outputSchema({ setup: anything('Setup') }),
		run: (job) => job.finish({ setup: job.setup ?? null, input: job.input }),
	}),
	single({
		name: 'big',
		title: 'Big',
		description: 'Returns a lot of text.',
		category: 'text',
		input: inputSchema({ bytes: integer('Bytes', { minimum: 0, maximum: 50_000_000 }) }, ['bytes']),
		output: outputSchema({ text: string('Text') }),
		run: (job) => job.finish({ text: 'x'.repeat(ofNumber(job, 'bytes', 0)) }),
	}),
	single({
		name: 'slim',
		title: 'Slim',
		description: 'Its terminal stream line has no output.',
		category: 'other',
		bareTerminalLine: true,
		input: inputSchema({
			text: optional(string('Text')),
			ms: milliseconds('Duration', { default: 20 }),
		}),
		output: outputSchema({ text: string('Text') }),
		run: (job) =>
			job.after(ofNumber(job, 'ms', 20), () => job.finish({ text: job.input['text'] ?? 'slim' })),
	}),
	single({
		name: 'late-error',
		title: 'Late Error',
		description: 'Says why it fails first and that it failed later.',
		category: 'other',
		bareTerminalLine: true,
		input: inputSchema({
			message: optional(string('Message')),
			ms: milliseconds('Duration', { default: 20 }),
		}),
		output: outputSchema({}),
		run(job) {
			const ms = ofNumber(job, 'ms', 20);
			const message = text(job.input['message'], 'out of memory');
			job.after(ms, () => {
				job.update({ error: message });
				job.after(ms, () => job.fail(message));
			});
		},
	}),
	single({
		name: 'cancel-completes',
		title: 'Cancel Completes',
		description: 'Completes although it was cancelled.',
		category: 'other',
		cancel: { ms: 150, completesWith: { completed_anyway: true } },
		input: free,
		output: outputSchema({ completed_anyway: boolean('Completed Anyway') }),
		run: () => undefined,
	}),
	single({
		name: 'stubborn',
		title: 'Stubborn',
		description: 'Takes its time to be cancelled.',
		category: 'other',
		cancel: { ms: 300 },
		input: free,
		output: outputSchema({}),
		run: () => undefined,
	}),
];

const files: readonly SandboxApp[] = [
	single({
		name: 'file-info',
		title: 'File Info',
		description: 'Tells size and hash of an uploaded file and passes it on.',
		category: 'other',
		input: inputSchema(
			{
				file: file('File'),
				more: optional({ type: 'array', items: { type: 'string', format: 'file' }, title: 'More' }),
			},
			['file'],
		),
		output: outputSchema({
			file: file('File'),
			size: integer('Size'),
			content_type: string('Content Type'),
			filename: string('Filename'),
			sha256: string('SHA-256'),
		}),
		run(job) {
			const uri = text(job.input['file']);
			const found = job.files.describe(uri);
			if (!found) {
				job.fail(`cannot read ${uri}`);
				return;
			}
			const { size, contentType, filename, sha256 } = found;
			job.finish({ file: uri, size, content_type: contentType, filename, sha256 });
		},
	}),
	single({
		name: 'file-shapes',
		title: 'File Shapes',
		description: 'Returns files in every shape that outputs are known to have.',
		category: 'image',
		input: free,
		output: outputSchema({
			plain: file('Plain'),
			legacy: { $ref: '#/$defs/File' },
			url: { type: 'object', title: 'Url' },
			list: { type: 'array', items: { type: 'string', format: 'file' }, title: 'List' },
		}),
		run(job) {
			const publish = (blue: number): string =>
				job.files.publish(png(8, 8, [20, 20, blue]), 'image/png', 'png');
			job.finish({
				plain: publish(10),
				legacy: {
					uri: publish(20),
					path: '/tmp/worker/out.png',
					content_type: 'image/png',
					size: null,
					filename: 'legacy.png',
				},
				url: { url: publish(30), content_type: 'image/png' },
				list: [publish(40), publish(50)],
				nested: { deep: [{ image: publish(60) }] },
			});
		},
	}),
	single({
		name: 'large-file',
		title: 'Large File',
		description: 'Returns a file of any size, made while it is downloaded.',
		category: 'other',
		input: inputSchema({ bytes: integer('Bytes', { minimum: 0 }) }, ['bytes']),
		output: outputSchema({ file: file('File') }),
		run: (job) =>
			job.finish({
				file: job.files.publishSynthetic(
					ofNumber(job, 'bytes', 0),
					'application/octet-stream',
					'bin',
				),
			}),
	}),
];

/** Every app of the namespace `sandbox`. */
export const sandboxApps: readonly SandboxApp[] = [...behaviours, ...files, ...chatModels];
