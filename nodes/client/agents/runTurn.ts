import type { ClientContext } from '../api/context';
import { withinItsTime } from '../api/itemTime';
import { TaskCancelledError, TimeoutError } from '../errors';
import { outcomeOf } from '../util/outcome';
import { giveUpTurn } from './giveUpTurn';
import { takeTurn } from './takeTurn';
import type { Turn } from './turn';
import type { BegunTurn, TurnOptions, TurnProgress, TurnRun, TurnScope } from './turnRun';

/** A turn that an earlier try has begun. */
type Answering = Extract<TurnProgress, { readonly state: 'answering' }>;

/**
 * Begins a turn and takes it to its end, within the item's time. One that an earlier try has begun
 * is only taken to its end.
 *
 * @param begin makes the agent go on, with a message or a decision; told what an earlier try may
 * have sent
 * @throws TimeoutError and StoppedError, after the chat has been stopped or left as asked; what
 * `begin` and `takeTurn` throw
 */
export async function runTurn(
	options: TurnOptions,
	context: ClientContext,
	begin: (scope: TurnScope, earlier: Exclude<TurnProgress, Answering>) => Promise<BegunTurn>,
): Promise<TurnRun> {
	const { signal, progress: earlier } = options;
	let progress = earlier;
	const note = (next: TurnProgress) => {
		progress = next;
		options.onProgress(next);
	};
	let followed: Turn | undefined;
	return await withinItsTime(
		{ signal, verb: 'answer' },
		context,
		async (inner) => {
			const scope: TurnScope = {
				context: inner,
				startedAt: inner.clock.now(),
				note,
				following: (turn) => {
					followed = turn;
				},
			};
			if (earlier.state !== 'answering') {
				return await takeTurn(await begin(scope, earlier), options, scope);
			}
			const taken = await outcomeOf(takeTurn(resumed(earlier), options, scope));
			if (taken.ok) return taken.value;
			const isOwnStop = earlier.stopped === true && taken.error instanceof TaskCancelledError;
			throw isOwnStop ? stoppedBefore(earlier) : taken.error;
		},
		async (givenUp) => await giveUpTurn(givenUp, progress, followed, context, note),
	);
}

function resumed({ turn, attempts }: Answering): BegunTurn {
	return { ref: turn, attempts, adopted: false, notices: [] };
}

/** The error of a turn that an earlier try of the node has stopped. It is not sent a second time. */
function stoppedBefore({ turn: { chatId: id } }: Answering): TimeoutError {
	return new TimeoutError(
		`Chat ${id} did not answer in time when this node tried it before, and was stopped`,
		{
			about: { kind: 'chat', id },
			hint: 'Raise "Timeout (Seconds)" if the agent needs longer. Retry On Fail sends no message twice.',
		},
	);
}
