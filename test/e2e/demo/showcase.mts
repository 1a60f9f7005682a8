/** What the demo's service shows: apps as in the real store, and agents, that answer in plain English. */
import { sandboxAgents } from '../../sandbox/agents/index.mts';
import { speak } from '../../sandbox/apps/language.mts';
import { storeApps } from '../../sandbox/apps/storeApps.mts';
import type { Sandbox, SandboxAgent, SandboxApp, SandboxOptions } from '../../sandbox/index.mts';

/** The sandbox's agents that a team could have, under the names that it would give them. */
const AGENTS = ['assistant', 'researcher', 'painter', 'support'];

/** An answer in words, one by one. */
function inWords(said: string): readonly string[] {
	const answer = `You said "${said}". This is a made-up answer: the demo has no real model, so that it needs no account and costs nothing.`;
	return answer.match(/\S+\s*/g) ?? [];
}

const talking = (app: SandboxApp): SandboxApp =>
	app.category === 'chat' ? { ...app, run: (job) => speak(job, 150, inWords) } : app;

const apps = storeApps.map(talking);
const agents: readonly SandboxAgent[] = sandboxAgents
	.filter(({ name }) => AGENTS.includes(name))
	.map((agent) => ({ ...agent, namespace: 'my-team' }));

/** For the sandbox of the demo. What tests use is not in its lists, but works by its reference. */
export const SHOWCASE: SandboxOptions = { showcase: true, apps, agents };

const DAY_MS = 86_400_000;

/** Files that a team could have left lying about, and since when, in days. */
const FILES = [
	['draft-of-last-summer.txt', 160],
	['notes-of-autumn.txt', 100],
	['notes-of-today.txt', 0],
] as const;

/** Puts into the demo's workspace what is there before anybody works. */
export function furnish(sandbox: Sandbox): void {
	for (const [name, days] of FILES) sandbox.addFile(name, days * DAY_MS);
}
