import { listOperation } from '../../listOperation';
import { agentView } from './agentView';

export const getAgents = listOperation({
	name: 'Get Many',
	value: 'getAll',
	action: 'Get many agents',
	description: 'List the agents of the workspace',
	rows: 'agents',
	at: () => ({ method: 'POST', path: '/agents/list' }),
	searches: 'the names and descriptions of the agents',
	view: agentView,
});
