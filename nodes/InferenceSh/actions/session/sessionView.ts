import { path } from '../../../client/api/api';
import { idProperty } from '../../properties';
import { fieldsOf, type View } from '../../view';

export const sessionIdProperty = idProperty(
	'Session ID',
	'sessionId',
	'The session: <code>session_id</code> in the output of the nodes that run apps',
);

/** The route of a session. */
export function sessionRoute(id: string, ...further: readonly string[]): string {
	return path('sessions', id, ...further);
}

const FIELDS = ['id', 'status', 'app_id', 'call_count', 'last_call_at', 'expires_at', 'ended_at'];

export const sessionView: View = {
	errorName: 'session_error',
	short: (wire) => fieldsOf(wire, FIELDS),
};
