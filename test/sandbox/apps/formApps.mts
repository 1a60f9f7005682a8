/** Apps whose schemas have every form that real ones have. They return what they were given. */
import {
	anything,
	boolean,
	file,
	inputSchema,
	integer,
	number,
	optional,
	outputSchema,
	string,
} from './schemas.mts';
import type { JsonSchema, SandboxApp } from '../types.mts';

const definitions = {
	Style: { enum: ['oil', 'ink', 'chalk'], title: 'Style', type: 'string' },
	Steps: { enum: [4, 8, 16], title: 'Steps', type: 'integer' },
	Point: {
		properties: { x: integer('X'), y: integer('Y') },
		required: ['x', 'y'],
		title: 'Point',
		type: 'object',
	},
	File: {
		$id: '/schemas/File',
		oneOf: [
			{ title: 'File', type: 'object', properties: { uri: optional({ type: 'string' }) } },
			{ type: 'string' },
		],
	},
};

/** A field of each kind; `prompt` and `source` are required, `mood` is promoted. */
const everyKind: JsonSchema = inputSchema(
	{
		seed: optional(integer('Seed', { minimum: 0, maximum: 2_147_483_647 })),
		prompt: string('Prompt', { description: 'What to paint', minLength: 3, maxLength: 40 }),
		source: file('Source Image'),
		style: { $ref: '#/$defs/Style', default: 'oil', description: 'How it looks' },
		steps: optional({ $ref: '#/$defs/Steps' }, { title: 'Step Count' }),
		mood: optional(string('Mood', { enum: ['calm', 'wild'] }), { 'x-promoted': true }),
		scale: number('Scale', { exclusiveMinimum: 0, maximum: 10, default: 1.5, gte: 'ignored' }),
		sharp: boolean('Sharp', { default: true }),
		mask: optional({ $ref: '#/$defs/File' }, { title: 'Mask' }),
		references: optional({
			type: 'array',
			items: { type: 'string', format: 'file' },
			maxItems: 3,
			title: 'References',
		}),
		tags: { type: 'array', items: { type: 'string' }, default: [], title: 'Tags' },
		sizes: optional({ type: 'array', items: { type: 'integer' }, minItems: 2, title: 'Sizes' }),
		points: optional({ type: 'array', items: { $ref: '#/$defs/Point' }, title: 'Points' }),
		extra: optional({ additionalProperties: true, type: 'object', title: 'Extra' }),
		urls: optional(
			{ anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
			{ title: 'Urls' },
		),
		anything: anything('Anything'),
	},
	['prompt', 'source'],
	{ $defs: definitions },
);

const echo = { echo: anything('Echo') };

export const formApps: readonly SandboxApp[] = [
	{
		namespace: 'sandbox',
		name: 'studio',
		title: 'Studio',
		description: 'Has a field of every kind, several functions and an earlier version.',
		category: 'image',
		price: 1_000_000,
		setup: inputSchema({
			model: string('Model', { enum: ['small', 'large'], default: 'small' }),
			layers: optional(integer('Layers', { minimum: 1, maximum: 48 })),
		}),
		functions: {
			run: { input: everyKind, output: outputSchema(echo) },
			speak: {
				description: 'Says something, from a text or a recording',
				input: inputSchema(
					{
						speed: number('Speed', { default: 1 }),
						script: optional(string('Script')),
						recording: optional(file('Recording')),
					},
					[],
					{
						anyOf: [
							{ properties: { script: { not: { type: 'null' } } } },
							{ properties: { recording: { not: { type: 'null' } } } },
						],
					},
				),
				output: outputSchema(echo),
			},
			live: {
				kind: 'stream',
				input: inputSchema({ audio: { type: 'array', format: 'stream', items: {} } }),
				output: outputSchema({}),
			},
		},
		older: [
			{
				functions: {
					run: {
						input: inputSchema({ words: string('Words') }, ['words']),
						output: outputSchema(echo),
					},
				},
			},
		],
		run: (job) => job.finish({ echo: job.input, setup: job.setup ?? null }),
	},
	{
		namespace: 'sandbox',
		name: 'whole',
		title: 'Whole',
		description: 'Takes a whole number without any limits.',
		category: 'other',
		functions: {
			run: { input: inputSchema({ value: integer('Value') }), output: outputSchema(echo) },
		},
		run: (job) => job.finish({ echo: job.input }),
	},
	{
		namespace: 'sandbox',
		name: 'either',
		title: 'Either',
		description: 'Takes a switch, a number or text.',
		category: 'other',
		functions: {
			run: {
				input: inputSchema({
					value: {
						anyOf: [{ type: 'boolean' }, { type: 'integer' }, { type: 'string' }],
						title: 'Value',
					},
				}),
				output: outputSchema(echo),
			},
		},
		run: (job) => job.finish({ echo: job.input }),
	},
];
