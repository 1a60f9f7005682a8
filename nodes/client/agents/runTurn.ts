import type { ClientContext } from '../api/context';
import { withinItsTime } from '../api/itemTime';
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
	let followed: Turn | undefined;
	return await withinItsTime(
		{ signal, verb: 'answer' },
		context,
		async (inner) => {
			const scope: TurnScope = {
				context: inner,
				startedAt: inner.clock.now(),
				note: (next) => {
					progress = next;
					options.onProgress(next);
				},
				following: (turn) => {
					followed = turn;
				},
			};
			const begun = earlier.state === 'answering' ? resumed(earlier) : await begin(scope, earlier);
			return await takeTurn(begun, options, scope);
		},
		async (givenUp) => await giveUpTurn(givenUp, progress, followed, context),
	);
}

function resumed({ turn, attempts }: Answering): BegunTurn {
	return { ref: turn, attempts, adopted: false, notices: [] };
}
