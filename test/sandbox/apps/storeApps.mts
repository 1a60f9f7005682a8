/** Public apps in the style of the real store: found there, not in the workspace. */
import {
	boolean,
	file,
	inputSchema,
	integer,
	number,
	optional,
	outputSchema,
	string,
} from './schemas.mts';
import type { SandboxApp } from '../types.mts';
import { ableFunctions, talk } from './chatModels.mts';
import { mp4, png } from './media.mts';

const aspectRatio = {
	AspectRatioEnum: {
		type: 'string',
		enum: ['auto', '21:9', '16:9', '1:1', '9:16'],
		title: 'AspectRatioEnum',
	},
};

/** The file type of older schemas; its `$id` is there on purpose. */
const legacyFile = {
	File: {
		$id: '/schemas/File',
		oneOf: [
			{
				type: 'object',
				title: 'File',
				properties: {
					uri: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
					path: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
					content_type: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
					size: { anyOf: [{ type: 'integer' }, { type: 'null' }], default: null },
					filename: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
				},
			},
			{ type: 'string' },
		],
	},
	OutputFormatEnum: { type: 'string', enum: ['jpeg', 'png'], title: 'OutputFormatEnum' },
};

/** The store's apps. */
export const storeApps: readonly SandboxApp[] = [
	{
		namespace: 'infsh',
		name: 'image-resize',
		title: 'Image Resize',
		description: 'Resize an image to a width, a height or by a factor.',
		category: 'image',
		store: true,
		price: 500_000,
		functions: {
			run: {
				input: inputSchema(
					{
						image: file('Image', { description: 'The image to resize' }),
						width: optional(integer('Width', { minimum: 1, maximum: 16_384 })),
						height: optional(integer('Height', { minimum: 1, maximum: 16_384 })),
						scale: optional(number('Scale', { exclusiveMinimum: 0, maximum: 10 })),
						resample: string('Resample', {
							enum: ['lanczos', 'bicubic', 'bilinear', 'nearest'],
							default: 'lanczos',
						}),
						output_quality: integer('Output Quality', { minimum: 0, maximum: 100, default: 85 }),
					},
					['image'],
				),
				output: outputSchema({ image: file('Image') }),
			},
		},
		run(job) {
			const side = (name: string): number => Math.min(Number(job.input[name] ?? 16), 512);
			const bytes = png(side('width'), side('height'), [40, 160, 90]);
			job.after(5, () => job.finish({ image: job.files.publish(bytes, 'image/png', 'png') }));
		},
	},
	{
		namespace: 'bfl',
		name: 'flux-3-video',
		title: 'FLUX 3 Video',
		description: 'Generate a video from a prompt, an image or keyframes.',
		category: 'video',
		store: true,
		price: [500_000_000, 2_000_000_000],
		functions: {
			run: {
				input: inputSchema(
					{
						prompt: string('Prompt', { description: 'What the video shows' }),
						image: optional(file('Image')),
						keyframes: optional({ type: 'array', items: {}, title: 'Keyframes' }),
						duration: optional(integer('Duration', { minimum: 5, maximum: 20 })),
						aspect_ratio: { $ref: '#/$defs/AspectRatioEnum', default: 'auto' },
						generate_audio: boolean('Generate Audio', { default: true }),
					},
					['prompt'],
					{ $defs: aspectRatio },
				),
				output: outputSchema({ video: file('Video') }),
			},
		},
		run(job) {
			job.update({ log: 'rendering\n' });
			job.after(20, () => {
				job.update({ status: 'uploading' });
				job.finish({ video: job.files.publish(mp4(), 'video/mp4', 'mp4') });
			});
		},
	},
	{
		namespace: 'anthropic',
		name: 'claude-sonnet-5',
		title: 'Claude Sonnet 5',
		description: 'A language model for chats, tools and images.',
		category: 'chat',
		store: true,
		price: [1_000_000, 50_000_000],
		functions: ableFunctions,
		run: talk,
	},
	{
		namespace: 'openrouter',
		name: 'claude-sonnet-46',
		title: 'Claude Sonnet 4.6',
		description: 'A language model for chats, tools and images.',
		category: 'chat',
		store: true,
		price: [1_000_000, 50_000_000],
		functions: ableFunctions,
		run: talk,
	},
	{
		namespace: 'falai',
		name: 'nano-banana',
		title: '',
		description: 'Edit images by prompt.',
		category: 'image',
		store: true,
		functions: {
			run: {
				input: inputSchema(
					{
						prompt: string('Prompt'),
						images: {
							type: 'array',
							minItems: 1,
							items: { $ref: '#/$defs/File' },
							title: 'Images',
						},
						num_images: integer('Num Images', { minimum: 1, maximum: 4, default: 1 }),
						output_format: { $ref: '#/$defs/OutputFormatEnum', default: 'jpeg' },
					},
					['prompt', 'images'],
					{ $defs: legacyFile },
				),
				output: outputSchema({
					images: { type: 'array', items: { $ref: '#/$defs/File' }, title: 'Images' },
				}),
			},
		},
		run(job) {
			const count = Number(job.input['num_images'] ?? 1);
			job.after(5, () =>
				job.finish({
					images: Array.from({ length: count }, (_, index) => ({
						uri: job.files.publish(png(8, 8, [250, 220, index * 40]), 'image/png', 'png'),
						path: `/tmp/out-${index}.png`,
						content_type: 'image/png',
						size: null,
						filename: `out-${index}.png`,
					})),
				}),
			);
		},
	},
	{
		namespace: 'google',
		name: 'gmail',
		title: 'Gmail',
		description: 'Send and list messages.',
		category: 'other',
		store: true,
		functions: {
			send_message: {
				description: 'Send a message',
				input: inputSchema(
					{ to: string('To'), subject: string('Subject'), body: string('Body', { default: '' }) },
					['to', 'subject'],
				),
				output: outputSchema({ id: string('Id') }),
			},
			list_messages: {
				description: 'List the latest messages',
				input: inputSchema({ limit: integer('Limit', { minimum: 1, maximum: 100, default: 10 }) }),
				output: outputSchema({ messages: { type: 'array', items: {}, title: 'Messages' } }),
			},
		},
		run: (job) =>
			job.finish(job.functionName === 'send_message' ? { id: 'msg_1' } : { messages: [] }),
	},
];
