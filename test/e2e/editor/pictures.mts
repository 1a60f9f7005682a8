/** The README's screenshots: taken by the tests of the editor, kept only if somebody asks for them. */
import { stat } from 'node:fs/promises';
import path from 'node:path';

import type { Locator, Page } from 'playwright-core';

import type { Job, SandboxApp } from '../../sandbox/index.mts';
import { ROOT } from '../n8n/paths.mts';

/** Set by `npm run picture`. */
export const PICTURES = 'INFERENCESH_PICTURES';
const LIMIT_BYTES = 250_000;

/**
 * Keeps what is seen of a page, or of a part of it, as <name>.png in the project, if asked to.
 *
 * @param without selector of what is left out
 */
export async function picture(
	shown: Page | Locator,
	name: string,
	without?: string,
): Promise<void> {
	if (process.env[PICTURES] === undefined) return;
	const target = path.join(ROOT, `${name}.png`);
	await shown.screenshot({
		path: target,
		...(without !== undefined && { style: `${without} { visibility: hidden !important; }` }),
	});
	const { size } = await stat(target);
	console.log(`${path.relative(ROOT, target)} (${Math.round(size / 1000)} kB)`);
	if (size > LIMIT_BYTES) throw new Error(`${name} is larger than ${LIMIT_BYTES / 1000} kB.`);
}

const ANSWERS: Readonly<Record<string, string>> = {
	'Name a colour.': 'Teal',
	'Name a city by the sea.': 'Lisbon',
	'Name a fruit.': 'Apricot',
	'Name a musical instrument.': 'Cello',
	'Name a planet.': 'Saturn',
};

/**
 * The examples' app with one-word answers: the sandbox's own are full of emoji and scripts, which
 * machines without the fonts for them show as boxes.
 */
export const plainSpeaker: SandboxApp = {
	namespace: 'anthropic',
	name: 'claude-sonnet-5',
	title: 'Claude Sonnet 5',
	description: 'A language model for chats, tools and images.',
	category: 'chat',
	store: true,
	functions: { run: { input: { type: 'object' }, output: { type: 'object' } } },
	run(job) {
		const response = ANSWERS[String(job.input['text'])] ?? 'Hello';
		job.after(400, () => job.finish({ response }));
	},
};

/** An app that writes its answer when it is told to, so that one can be seen while it is written. */
export class Writer {
	private job: Job | undefined;
	private written = '';

	readonly app: SandboxApp = {
		namespace: 'anthropic',
		name: 'claude-haiku-5',
		title: 'Claude Haiku 5',
		description: 'A quick language model for chats.',
		category: 'chat',
		store: true,
		functions: { run: { input: { type: 'object' }, output: { type: 'object' } } },
		run: (job) => {
			this.job = job;
			this.written = '';
		},
	};

	write(text: string): void {
		this.written += text;
		this.job?.update({ delta: { response: text } });
	}

	finish(): void {
		this.job?.finish({ response: this.written });
	}
}
