import { listOperation } from '../../listOperation';
import { flowView } from './flowView';

export const getFlows = listOperation({
	name: 'Get Many',
	value: 'getAll',
	action: 'Get many flows',
	description: 'List the flows of the workspace',
	rows: 'flows',
	at: () => ({ method: 'POST', path: '/flows/list' }),
	searches: 'the names and descriptions of the flows',
	view: flowView,
});
