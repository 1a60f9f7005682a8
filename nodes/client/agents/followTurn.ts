import { chatRoute } from './readChat';
import { ContactLostError, type RemoteWork } from '../errors';
import { textOf, type JsonObject } from '../util/json';
import {
	DISAGREEMENTS,
	followToEnd,
	type Ask,
	type Reached,
	type Subject,
	type SubjectState,
} from '../follow/follower';
import { readTurn } from './readTurn';
import type { Turn } from './turn';
import type { ItemContext } from '../api/itemTime';

/**
 * Follows one turn of a chat until it is over or waits for somebody.
 *
 * @throws what `followToEnd` throws; ContactLostError if the chat is idle and the turn has no end
 */
export async function followTurn(turn: Turn, context: ItemContext): Promise<Reached> {
	return await followToEnd(new TurnSubject(turn, context), context);
}

/** Polls that show no change before the chat is read all the same. */
const UNCHANGED_POLLS = 4;

class TurnSubject implements Subject {
	readonly about: RemoteWork;
	readonly route: string;
	/** The service has taken its message, or has shown the call that was decided. */
	readonly seen = true;
	/** Readings of the chat that began after it was known to be over. */
	private readings = 0;
	private doubtfulSince: number | undefined;
	private lastStatus = '';
	private unchanged = 0;

	constructor(
		private readonly turn: Turn,
		private readonly context: ItemContext,
	) {
		this.about = { kind: 'chat', id: turn.ref.chatId };
		this.route = chatRoute(turn.ref.chatId);
	}

	/**
	 * Doubtful: the first word of a stream may be how the turn before ended, or the end of this one.
	 * Over: what was read since then has to agree, and nothing of the answer may still change.
	 */
	get state(): SubjectState {
		const verdict = this.turn.verdict();
		if (verdict.kind !== 'settled') return verdict.kind;
		if (this.readings >= DISAGREEMENTS) return 'complete';
		const waits = verdict.state.endsWith('_required');
		return this.readings > 0 && (waits || this.turn.quiet) ? 'complete' : 'over';
	}

	take(event: Parameters<Subject['take']>[0]): boolean {
		const news = this.turn.take(event);
		if (news && this.doubtfulSince !== undefined) this.doubt();
		return news;
	}

	opened(): void {
		this.turn.opened();
	}

	/** The messages of a reading may be older than its chat: only one that began later counts. */
	async refresh(ask: Ask): Promise<void> {
		const wasSettled = this.isSettled;
		if (!(await readTurn(ask, this.turn))) return;
		this.readings = wasSettled && this.isSettled ? this.readings + 1 : 0;
		this.doubt();
	}

	private get isSettled(): boolean {
		return this.turn.verdict().kind === 'settled';
	}

	polled(status: JsonObject): boolean {
		const said = JSON.stringify([status['status'], status['updated_at']]);
		this.unchanged = said === this.lastStatus ? this.unchanged + 1 : 0;
		this.lastStatus = said;
		return this.mayBeOver(status) || this.unchanged % UNCHANGED_POLLS === 0;
	}

	mayBeOver(status: JsonObject): boolean {
		return textOf(status['status'])?.toLowerCase() !== 'busy';
	}

	/** A chat where nothing runs and nothing ends is not waited for without end. */
	private doubt(): void {
		const { clock, timings } = this.context;
		if (this.turn.verdict().kind !== 'doubtful') {
			this.doubtfulSince = undefined;
			return;
		}
		this.doubtfulSince ??= clock.now();
		const patience = this.turn.seenAtWork ? timings.doubtMs : timings.contactMs;
		if (clock.now() - this.doubtfulSince < patience) return;
		throw new ContactLostError(`Chat ${this.about.id} is idle, but its answer has no end`, {
			about: this.about,
			hint: 'Look at the chat on inference.sh. Sending the message again may have it answered twice.',
		});
	}
}
