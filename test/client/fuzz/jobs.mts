/** Everything that a client can be asked to do. */
import type { InferenceClient } from '../../../nodes/client/client.ts';
import type { TurnOptions } from '../../../nodes/client/agents/turnRun.ts';
import type { IncomingFile } from '../../../nodes/client/files/download.ts';
import type { CancelSignal } from '../../../nodes/client/util/cancelSignal.ts';
import { runOne } from '../support.mts';

/** @param url of the service */
export type Job = (client: InferenceClient, signal: CancelSignal, url: string) => Promise<unknown>;

const REQUEST = { app: 'a/b', input: { text: 'x' } };
const AGENT = { kind: 'saved', ref: 'a/b' } as const;
const MESSAGE = { agent: AGENT, text: 'x', attachments: [], context: undefined };

const turn = (
	signal: CancelSignal,
	onInterrupt: TurnOptions['onInterrupt'] = 'return',
): TurnOptions => ({
	progress: { state: 'none' },
	onProgress: () => {},
	onInterrupt,
	observer: {},
	signal,
});

async function readAll({ stream }: IncomingFile): Promise<number> {
	let size = 0;
	for await (const piece of stream) size += Buffer.from(piece as Uint8Array).length;
	return size;
}

const FILE = { filename: 'f', contentType: 'text/plain', size: 5 };

export const JOBS: Readonly<Record<string, Job>> = {
	'runs an app': (client, signal) => runOne(client, REQUEST, { signal }),
	'runs an app and wants all of its task': (client, signal) =>
		runOne(client, { ...REQUEST, function: 'f' }, { signal, full: true }),
	'starts an app': (client, signal) => runOne(client, REQUEST, { signal, wait: 'none' }),
	'follows a task': (client, signal) =>
		client.tasks.follow('t1', { full: false, observer: {}, signal }),
	'reads a task': (client) => client.tasks.get('t1'),
	'reads a status, patiently': (client) => client.tasks.status('t1', 'patient'),
	'reads a cost': (client, signal) => client.tasks.cost('t1', signal),
	'cancels a task': (client) => client.tasks.cancel('t1'),
	'reads earlier tasks': (client) =>
		client.tasks.earlier('a/b', { withinMs: 3_600_000, running: true }),
	'opens a chat': (client, signal) =>
		client.agents.send({ ...MESSAGE, chatId: undefined }, turn(signal)),
	'opens a chat with an agent of its own': (client, signal) => {
		const agent = { kind: 'adHoc', config: { name: 'n' } } as const;
		return client.agents.send({ ...MESSAGE, agent, chatId: undefined }, turn(signal));
	},
	'sends a message, and approves': (client, signal) =>
		client.agents.send({ ...MESSAGE, chatId: 'c1' }, turn(signal, 'approve')),
	'decides about a call': (client, signal) => {
		const decision = { kind: 'approve' } as const;
		return client.agents.respond({ chatId: 'c1', callId: undefined, decision }, turn(signal));
	},
	'reads a chat': (client, signal) => client.agents.chat('c1', signal),
	'stops a chat': (client, signal) => client.agents.stop('c1', signal),
	'lists agents': (client) => client.agents.list('x'),
	'lists apps': (client) => client.apps.list(undefined),
	'searches the store': (client) => client.apps.listStore('x', 'cursor'),
	'reads a version of an app': (client, signal) => client.apps.get('a/b@v2', signal),
	'lists versions': (client) => client.apps.versions('a1'),
	'lists sessions': (client) => client.apps.sessions(),
	'estimates a cost': (client) => client.apps.estimate('a/b', { input: {} }),
	'uploads bytes': (client, signal) =>
		client.files.upload({ ...FILE, open: async () => Buffer.from('hello') }, signal),
	'finds files': (client, _signal, url) =>
		client.files.find({ a: `${url}/app/files/a` }, 'a/c', undefined),
	'downloads a file': (client, signal, url) =>
		client.files.download(`${url}/file`, { signal, maxBytes: 1_000_000 }, readAll),
};
