/** Sessions: a worker leased to one app version until it has been idle for too long. */
import { data, problem, type Answer } from '../http/answers.mts';
import { TEAM_ID } from '../files/files.mts';
import { newId } from '../util/ids.mts';
import type { Call, Route } from '../http/routes.mts';

const DEFAULT_TIMEOUT_S = 60;

export type SessionState = 'active' | 'ended' | 'expired' | 'lost' | 'leased';

export interface Session {
	readonly id: string;
	readonly appId: string;
	readonly versionId: string;
	readonly workerId: string;
	readonly createdAt: number;
	readonly timeoutMs: number;
	/** What the app keeps between calls. */
	readonly memory: Map<string, unknown>;
	expiresAt: number;
	state: SessionState;
	endedAt?: number;
	lastCallAt?: number;
	taskId?: string;
	calls: number;
	running: number;
}

export class Sessions {
	private readonly sessions = new Map<string, Session>();
	private readonly clock: (epochMs: number) => string;

	constructor(clock: (epochMs: number) => string) {
		this.clock = clock;
	}

	clear(): void {
		this.sessions.clear();
	}

	get(id: string): Session | undefined {
		const session = this.sessions.get(id);
		if (session?.state === 'active' && session.running === 0 && Date.now() >= session.expiresAt) {
			session.state = 'expired';
			session.endedAt = session.expiresAt;
		}
		return session;
	}

	/** Puts a session into a state that tests need and time alone would not bring about. */
	set(id: string, state: SessionState): void {
		const session = this.sessions.get(id);
		if (!session) throw new Error(`there is no session ${id}`);
		session.state = state;
		if (state === 'ended' || state === 'expired') session.endedAt = Date.now();
	}

	/** Starts a session, or says what is wrong with its timeout. */
	start(appId: string, versionId: string, timeoutS: unknown): Session | Answer {
		const seconds = timeoutS ?? DEFAULT_TIMEOUT_S;
		if (typeof seconds !== 'number' || seconds < 1 || seconds > 3600) {
			return problem(422, 'validation_failed', 'session_timeout must be between 1 and 3600');
		}
		const now = Date.now();
		const session: Session = {
			id: `sess_${newId()}`,
			appId,
			versionId,
			workerId: newId(),
			createdAt: now,
			timeoutMs: seconds * 1000,
			memory: new Map(),
			expiresAt: now + seconds * 1000,
			state: 'active',
			calls: 0,
			running: 0,
		};
		this.sessions.set(session.id, session);
		return session;
	}

	/** The session a call may use, or the refusal. */
	use(id: string, appId: string, versionId: string): Session | Answer {
		const session = this.usable(id);
		if ('kind' in session) return session;
		if (session.appId !== appId) {
			return problem(400, 'APP_MISMATCH', `session ${id} belongs to another app`);
		}
		if (session.versionId !== versionId) {
			return problem(400, 'VERSION_MISMATCH', `the app version of session ${id} has changed`);
		}
		return session;
	}

	/** Marks a call's begin: its end must be marked too. */
	began(session: Session, taskId: string): void {
		session.calls++;
		session.running++;
		session.taskId = taskId;
		session.lastCallAt = Date.now();
		session.expiresAt = session.lastCallAt + session.timeoutMs;
	}

	settled(session: Session): void {
		session.running--;
		session.expiresAt = Date.now() + session.timeoutMs;
	}

	private usable(id: string): Session | Answer {
		const session = this.get(id);
		switch (session?.state) {
			case undefined:
				return problem(404, 'SESSION_NOT_FOUND', `session ${id} not found`);
			case 'expired':
				return problem(410, 'SESSION_EXPIRED', `session ${id} has expired`);
			case 'ended':
				return problem(410, 'SESSION_ENDED', `session ${id} has ended`);
			case 'lost':
				return problem(500, 'WORKER_LOST', `the worker of session ${id} was lost`);
			case 'leased':
				return problem(409, 'WORKER_LEASED', 'the worker is leased to another session');
			default:
				return session as Session;
		}
	}

	private dto(session: Session): Record<string, unknown> {
		const { clock } = this;
		return {
			id: session.id,
			created_at: clock(session.createdAt),
			updated_at: clock(session.lastCallAt ?? session.createdAt),
			user_id: 'user_sandbox',
			team_id: TEAM_ID,
			visibility: 'private',
			worker_id: session.workerId,
			app_id: session.appId,
			app_version_id: session.versionId,
			status: session.state === 'leased' || session.state === 'lost' ? 'active' : session.state,
			expires_at: clock(session.expiresAt),
			...(session.endedAt === undefined ? {} : { ended_at: clock(session.endedAt) }),
			...(session.taskId === undefined ? {} : { task_id: session.taskId }),
			call_count: session.calls,
			...(session.lastCallAt === undefined ? {} : { last_call_at: clock(session.lastCallAt) }),
			idle_timeout: session.timeoutMs / 1000,
		};
	}

	routes(): Route[] {
		const id = (call: Call): string => call.params['id'] ?? '';
		return [
			{
				method: 'GET',
				url: '/sessions',
				// Go marshals a nil slice as null.
				handle: () =>
					data(
						this.sessions.size === 0
							? null
							: [...this.sessions.keys()].map((key) => this.dto(this.get(key) as Session)),
					),
			},
			{
				method: 'GET',
				url: '/sessions/:id',
				handle: (call) => {
					const session = this.get(id(call));
					return session
						? data(this.dto(session))
						: problem(404, 'SESSION_NOT_FOUND', `session ${id(call)} not found`);
				},
			},
			{
				method: 'POST',
				url: '/sessions/:id/keepalive',
				handle: (call) => {
					const session = this.usable(id(call));
					if ('kind' in session) return session;
					session.expiresAt = Date.now() + session.timeoutMs;
					return data(this.dto(session));
				},
			},
			{
				method: 'DELETE',
				url: '/sessions/:id',
				handle: (call) => {
					const session = this.get(id(call));
					if (!session) return problem(404, 'SESSION_NOT_FOUND', `session ${id(call)} not found`);
					if (session.state === 'active') {
						session.state = 'ended';
						session.endedAt = Date.now();
					}
					return { kind: 'empty', status: 204 };
				},
			},
		];
	}
}
