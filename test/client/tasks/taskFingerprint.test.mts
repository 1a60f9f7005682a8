import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayBeConfused } from '../../../nodes/client/once/fingerprint.ts';
import type { RunRequest } from '../../../nodes/client/tasks/runRequest.ts';
import { TaskFingerprint } from '../../../nodes/client/tasks/taskFingerprint.ts';

type Shown = Record<string, unknown>;

const CURRENT = 'c0rrent1aaaaaaaaaaaaaaaaaa';
const OLDER = '0lder111bbbbbbbbbbbbbbbbbb';
const ECHO: RunRequest = { app: 'sandbox/echo', input: { text: 'x' } };

/** A task as the service shows it, of an app in a workspace of its own. */
function shown(more: Shown = {}): Shown {
	return {
		id: 't1',
		team_id: 'team',
		app: { namespace: 'sandbox', name: 'echo', team_id: 'team', version_id: CURRENT },
		app_version_id: CURRENT,
		function: 'run',
		infra: 'cloud',
		workers: null,
		input: { text: 'x' },
		...more,
	};
}

const compare = (request: Partial<RunRequest>, more: Shown = {}) =>
	new TaskFingerprint({ ...ECHO, ...request }).compare(shown(more));

describe('the fingerprint of a task', () => {
	it.each(['sandbox/echo', 'app/sandbox/echo', 'sandbox/echo@latest', 'echo'])(
		'is equal to the task of an app called %s',
		(app) => expect(compare({ app })).toBe('equal'),
	);

	it.each<[what: string, request: Partial<RunRequest>, task: Shown]>([
		[
			'its version by the short id',
			{ app: `sandbox/echo@${OLDER.slice(0, 8)}` },
			{ app_version_id: OLDER },
		],
		['its version by the long id', { app: `sandbox/echo@${OLDER}` }, { app_version_id: OLDER }],
		[
			'its version in the app',
			{ app: 'sandbox/echo@v3' },
			{ app: 'sandbox/echo@v3', app_version_id: undefined },
		],
		[
			'no word about versions',
			{},
			{ app: { namespace: 'sandbox', name: 'echo' }, app_version_id: undefined },
		],
		['its function', { function: 'other' }, { function: 'other' }],
		['the default function', {}, { function: 'main', app_version: { default_function: 'main' } }],
		['no function', {}, { function: '' }],
		['its setup', { setup: { model: 'big' } }, { setup: { model: 'big' } }],
		['no setup', {}, { setup: {} }],
		['its session', { session: 'sess_A' }, { session_id: 'sess_A' }],
		['its infrastructure', { infra: 'private' }, { infra: 'private' }],
		['its workers', { workers: ['w1'] }, { workers: ['w1'] }],
		['its webhook', { webhook: 'https://n8n.example/1' }, { webhook: 'https://n8n.example/1' }],
		['its time', { runAt: '2030-01-01T01:00:00+01:00' }, { run_at: '2030-01-01T00:00:00Z' }],
		['no time as Go writes it', {}, { run_at: '0001-01-01T00:00:00Z' }],
	])('is equal to a task with %s', (_what, request, task) => {
		expect(compare(request, task)).toBe('equal');
	});

	it.each<[what: string, request: Partial<RunRequest>, task: Shown]>([
		['an app that is not shown', {}, { app: null }],
		[
			'an app of that name that may be somebody else’s',
			{ app: 'echo' },
			{ app: { namespace: 'other', name: 'echo', team_id: 'x' } },
		],
		['an input that is not shown', {}, { input: null }],
		['an input with a default filled in', {}, { input: { text: 'x', seed: 0 } }],
		['a version that is not the current one', {}, { app_version_id: OLDER }],
		['a version that is not shown', { app: 'sandbox/echo@v1' }, { app_version_id: undefined }],
		['a version by a name of another kind', { app: 'sandbox/echo@stable' }, {}],
		['a function that may be the default', {}, { function: 'other' }],
		['a function that is not shown', { function: 'other' }, { function: undefined }],
		['a setup that was not sent', {}, { setup: { model: 'big' } }],
		['a setup that is not shown', { setup: { model: 'big' } }, {}],
		['a session that was not sent', {}, { session_id: 'sess_A' }],
		['a session that is not shown', { session: 'sess_A' }, {}],
		['a new session', { session: 'new' }, { session_id: 'sess_A' }],
		['workers that are not shown', { workers: ['w1'] }, {}],
		['a webhook that is not shown', { webhook: 'https://n8n.example/1' }, {}],
		['infrastructure that the service has chosen', { infra: 'private_first' }, { infra: 'cloud' }],
	])('cannot be told from a task with %s', (_what, request, task) => {
		expect(compare(request, task)).toBe('unclear');
	});

	it.each<[what: string, request: Partial<RunRequest>, task: Shown]>([
		['of another app', { app: 'sandbox/other' }, {}],
		['of an app of that name elsewhere', { app: 'other/echo' }, {}],
		['of another version', { app: `sandbox/echo@${OLDER.slice(0, 8)}` }, {}],
		[
			'of another version by a name',
			{ app: 'sandbox/echo@v1' },
			{ app: 'sandbox/echo@v12', app_version_id: undefined },
		],
		['of another function', { function: 'a' }, { function: 'b' }],
		[
			'of a function that is not the default',
			{},
			{ function: 'b', app_version: { default_function: 'a' } },
		],
		['with another input', { input: { text: 'y' } }, {}],
		['with another setup', { setup: { model: 'big' } }, { setup: { model: 'small' } }],
		['of another session', { session: 'sess_A' }, { session_id: 'sess_B' }],
		['on other infrastructure', { infra: 'private' }, {}],
		['on other workers', { workers: ['w1'] }, { workers: ['w2'] }],
		[
			'with another webhook',
			{ webhook: 'https://n8n.example/1' },
			{ webhook: 'https://n8n.example/2' },
		],
		['with a webhook that was not sent', {}, { webhook: 'https://n8n.example/2' }],
		['for another time', { runAt: '2030-01-01T01:00:00Z' }, { run_at: '2030-01-01T00:00:00Z' }],
		['that an agent has started', {}, { chat_id: 'c1' }],
		['that a flow has started', {}, { flow_run_id: 'f1' }],
	])('is different from a task %s', (_what, request, task) => {
		expect(compare(request, task)).toBe('different');
	});

	it('compares what is sent, in which half a character has become a whole one', () => {
		const cut = '🙂'.slice(0, 1);
		expect(compare({ input: { text: cut } }, { input: { text: '\ufffd' } })).toBe('equal');
	});
});

const anyRequest: fc.Arbitrary<RunRequest> = fc.record(
	{
		app: fc.constantFrom('a/x', 'a/y', 'b/x', `a/x@${CURRENT}`, `a/x@${OLDER.slice(0, 8)}`),
		input: fc.constantFrom({ text: 'x' }, { text: 'y' }, { text: 'x', seed: 1 }),
		function: fc.constantFrom(undefined, 'f', 'g'),
		setup: fc.constantFrom(undefined, { model: 'big' }, { model: 'small' }),
		session: fc.constantFrom(undefined, 'sess_A', 'sess_B'),
		infra: fc.constantFrom(undefined, 'private' as const),
		workers: fc.constantFrom(undefined, ['w1'], ['w2']),
		webhook: fc.constantFrom(undefined, 'https://n8n.example/1', 'https://n8n.example/2'),
		runAt: fc.constantFrom(undefined, '2030-01-01T00:00:00Z', '2031-01-01T00:00:00Z'),
	},
	{ requiredKeys: ['app', 'input'] },
);

/** What a service shows of a request; a reference without a version has run the current one. */
function taskOf(request: RunRequest, hidden: readonly string[] = []): Shown {
	const [ref = '', version] = request.app.split('@');
	const [namespace, name] = ref.split('/');
	const task: Shown = {
		app: { namespace, name, version_id: CURRENT },
		app_version_id: version === undefined || CURRENT.startsWith(version) ? CURRENT : OLDER,
		app_version: { default_function: 'f' },
		function: request.function ?? 'f',
		input: request.input,
		setup: request.setup,
		session_id: request.session,
		infra: request.infra ?? 'cloud',
		workers: request.workers ?? null,
		webhook: request.webhook,
		run_at: request.runAt,
	};
	return Object.fromEntries(Object.entries(task).filter(([key]) => !hidden.includes(key)));
}

/** Requests that ask for the very same thing in other words are the same. */
const meaning = (request: RunRequest) =>
	JSON.stringify({ ...taskOf(request), session: request.session });

describe('fingerprints of any two requests', () => {
	it('are never equal to the task of a request that asks for something else', () => {
		fc.assert(
			fc.property(anyRequest, anyRequest, (one, other) => {
				fc.pre(meaning(one) !== meaning(other));
				expect(new TaskFingerprint(one).compare(taskOf(other))).not.toBe('equal');
			}),
			{ numRuns: 3_000 },
		);
	});

	it('are never different from their own task, whatever of it is hidden', () => {
		const fields = ['app', 'app_version_id', 'app_version', 'function', 'input', 'setup'];
		const more = ['session_id', 'infra', 'workers', 'webhook', 'run_at'];
		fc.assert(
			fc.property(anyRequest, fc.subarray([...fields, ...more]), (request, hidden) => {
				const same = new TaskFingerprint(request).compare(taskOf(request, hidden));
				expect(same).not.toBe('different');
				if (hidden.length === 0) expect(same).toBe('equal');
			}),
			{ numRuns: 2_000 },
		);
	});

	it('may be confused if one could be taken for the task of the other', () => {
		fc.assert(
			fc.property(anyRequest, anyRequest, (one, other) => {
				const [mine, theirs] = [new TaskFingerprint(one), new TaskFingerprint(other)];
				const confused = mayBeConfused(mine, theirs);
				expect(mayBeConfused(theirs, mine)).toBe(confused);
				if (mine.compare(taskOf(other)) === 'equal') expect(confused).toBe(true);
			}),
			{ numRuns: 2_000 },
		);
	});
});
