/** The service of a round: its apps and agents answer with what they were asked. */
import { answer, pace } from '../../sandbox/agents/speech.mts';
import {
	startSandbox,
	type Job,
	type Sandbox,
	type SandboxAgent,
	type SandboxApp,
} from '../../sandbox/index.mts';
import type { Round } from './plan.mts';

const free = { type: 'object', properties: {} };
const plain = { input: free, output: free };

/** Newest first. */
const VERSIONS = ['v3', 'v2', 'v1'] as const;

export const APPS = { usual: 'model/echo', instant: 'model/instant' } as const;
export const AGENTS = ['model/first', 'model/second'] as const;

/** An app that says which version, function and setup has answered. */
function echoing(ref: string, instant: boolean): SandboxApp {
	const started = new Map<string, number>();
	const version = (label: string): Pick<SandboxApp, 'functions' | 'setup' | 'run'> => ({
		functions: { run: plain, other: plain },
		setup: free,
		run(job: Job) {
			const { input, functionName, setup } = job;
			const key = JSON.stringify(input);
			const before = started.get(key) ?? 0;
			started.set(key, before + 1);
			const end = () => {
				if (before < Number(input['failures'])) job.fail(`failure ${before + 1}`);
				else job.finish({ version: label, function: functionName, setup, input });
			};
			if (instant) return end();
			job.update({ log: 'begun\n' });
			if (typeof input['pace'] === 'number') job.after(input['pace'], end);
		},
	});
	const [latest, ...older] = VERSIONS.map(version);
	if (!latest) throw new Error('An app has a version');
	const [namespace = '', name = ''] = ref.split('/');
	const about = { title: name, description: 'Says what it was asked', category: 'text' };
	return { namespace, name, ...about, instant, ...latest, older };
}

function repeating(ref: string): SandboxAgent {
	const [namespace = '', name = ''] = ref.split('/');
	const about = { title: name, description: 'Says what it was told' };
	return {
		...{ namespace, name, ...about },
		take: (turn) => turn.after(pace(turn), () => answer(turn, `${ref}: ${turn.text}`)),
	};
}

type Data = Readonly<Record<string, unknown>>;

export interface Service extends AsyncDisposable {
	readonly sandbox: Sandbox;
	/** Ids of each app's versions, newest first. */
	readonly versions: ReadonlyMap<string, readonly string[]>;
	/** Sessions of the usual app in its current version. */
	readonly sessions: readonly string[];
	/** Does something as somebody who is no n8n. */
	ask(path: string, body?: object): Promise<Data>;
}

export async function startService({ service }: Round): Promise<Service> {
	const sandbox = await startSandbox({
		...{ heartbeatMs: 500, ...service },
		apps: [echoing(APPS.usual, false), echoing(APPS.instant, true)],
		agents: AGENTS.map(repeating),
	});
	const ask = async (path: string, body?: object): Promise<Data> => {
		const response = await fetch(sandbox.url + path, {
			method: body ? 'POST' : 'GET',
			headers: {
				authorization: `Bearer ${sandbox.apiKey}`,
				'content-type': 'application/json',
			},
			...(body && { body: JSON.stringify(body) }),
		});
		const answered = (await response.json()) as Readonly<Record<string, Data>>;
		return answered['data'] ?? answered;
	};
	const versions = new Map<string, readonly string[]>();
	for (const ref of Object.values(APPS)) {
		const app = await ask(`/apps/${ref}`);
		const { items } = await ask(`/apps/${String(app['id'])}/versions/list`, {});
		versions.set(
			ref,
			(items as readonly Data[]).map(({ short_id: id }) => String(id)),
		);
	}
	const begin = { app: APPS.usual, input: { pace: 0, failures: 0 }, session: 'new' };
	const sessions: string[] = [];
	for (let count = 0; count < 2; count += 1) {
		sessions.push(String((await ask('/apps/run', begin))['session_id']));
	}
	return {
		...{ sandbox, versions, sessions, ask },
		[Symbol.asyncDispose]: async () => await sandbox.close(),
	};
}
