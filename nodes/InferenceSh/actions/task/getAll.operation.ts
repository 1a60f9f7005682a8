import { appName, parseAppRef } from '../../../client/apps/appRef';
import { parseTaskStatus, TASK_STATUSES } from '../../../client/tasks/taskStatus';
import { appProperty } from '../../../shared/editor/descriptions/app';
import {
	createdAfter,
	createdBefore,
	idCondition,
	wordFilter,
	type FilterSpec,
} from '../../filters';
import { listOperation } from '../../listOperation';
import { taskView } from './taskView';

const STATUSES = TASK_STATUSES.slice(1).map((value) => {
	const name = value.charAt(0).toUpperCase() + value.slice(1).replaceAll('_', ' ');
	return { name, value };
});

/** The service filters by the app's id. */
const appFilter: FilterSpec = {
	property: { ...appProperty, required: false, description: 'Only tasks of this app' },
	async condition(value, { client, reach }) {
		const ref = value.optionalText();
		if (ref === undefined) return undefined;
		if (!parseAppRef(ref)) throw value.mismatch('a reference like namespace/name');
		const { id } = await client.apps.get(appName(ref), reach.signal);
		if (id === undefined) return { field: 'app_id', operator: 'eq', value: ref };
		return idCondition('app_id', id);
	},
};

export const getTasks = listOperation({
	name: 'Get Many',
	value: 'getAll',
	action: 'Get many tasks',
	description: 'List the tasks of the workspace, with their statuses, outputs and errors',
	rows: 'tasks',
	at: () => ({ method: 'POST', path: '/tasks/list' }),
	filters: [
		appFilter,
		createdAfter,
		createdBefore,
		wordFilter(
			'status',
			STATUSES,
			(word) => TASK_STATUSES.findIndex((one) => one === word),
			parseTaskStatus,
		),
	],
	sortable: true,
	view: taskView,
});
