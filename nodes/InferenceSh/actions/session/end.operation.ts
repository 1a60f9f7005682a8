import { SessionError } from '../../../client/errors';
import { outcomeOf } from '../../../client/util/outcome';
import { oneItem, type Operation } from '../../operation';
import { sessionIdProperty, sessionRoute } from './sessionView';

function isOver(error: unknown): boolean {
	return error instanceof SessionError && error.httpStatus === 410;
}

export const endSession: Operation = {
	kind: 'request',
	name: 'End',
	value: 'end',
	action: 'End session',
	description: 'End a session, so that its worker is free. One that has ended stays as it is.',
	properties: [sessionIdProperty],
	async execute({ reach }, item) {
		const id = item.get('sessionId').text();
		const ended = await outcomeOf(reach.remove(sessionRoute(id)));
		// What is gone already is what was asked for.
		if (!ended.ok && !isOver(ended.error)) throw ended.error;
		return oneItem({ id, ended: true });
	},
};
