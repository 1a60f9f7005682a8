import { errorText } from '../../../client/util/json';
import { path } from '../../../client/api/api';
import { parseTaskStatus, type TaskStatus } from '../../../client/tasks/taskStatus';
import type { Reach } from '../../../client/workspace/workspaceApi';
import { idProperty } from '../../properties';
import { fieldsOf, named, referenceOf, type View } from '../../view';

export const taskIdProperty = idProperty(
	'Task ID',
	'taskId',
	'The task: <code>id</code> in the output of the nodes that run apps',
);

/** @throws NotFoundError if there is no such task */
export async function taskStatusOf(id: string, reach: Reach): Promise<TaskStatus> {
	const route = path('tasks', id, 'status');
	return parseTaskStatus((await reach.get(route, { kind: 'task', id }))['status']);
}

const FIELDS = ['function', 'session_id', 'created_at', 'updated_at'];

export const taskView: View = {
	errorName: 'task_error',
	fields: ['id', 'status', 'app', 'app_id', 'output', 'error', ...FIELDS],
	short: (wire) => ({
		...named({
			id: wire['id'],
			status: parseTaskStatus(wire['status'] ?? wire['status_text']),
			app: referenceOf(wire['app']) ?? wire['app_id'],
			output: wire['output'],
			task_error: errorText(wire['error']),
		}),
		...fieldsOf(wire, FIELDS),
	}),
};
