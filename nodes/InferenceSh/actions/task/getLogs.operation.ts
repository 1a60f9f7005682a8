import type { IDataObject } from 'n8n-workflow';
import { path } from '../../../client/api/api';
import { parseTaskStatus } from '../../../client/tasks/taskStatus';
import { isJsonObject, listOf, textOf } from '../../../client/util/json';
import { oneItem, type Operation } from '../../operation';
import { named } from '../../view';
import { taskIdProperty } from './taskView';

/** By the numbers of `log_type` (API notes 3.4). */
const TYPES = ['build', 'run', 'serve', 'setup', 'task'];

function entriesOf(logs: unknown): readonly IDataObject[] {
	if (typeof logs === 'string') return logs === '' ? [] : [{ type: 'task', text: logs }];
	return listOf(logs)
		.filter(isJsonObject)
		.map(({ log_type: type, content, updated_at }) =>
			named({ type: TYPES[Number(type)] ?? String(type), text: content, updated_at }),
		);
}

export const getTaskLogs: Operation = {
	kind: 'request',
	name: 'Get Logs',
	value: 'getLogs',
	action: 'Get logs of task',
	description: 'Read what a task has logged so far',
	properties: [taskIdProperty],
	async execute({ reach }, item) {
		const id = item.get('taskId').text();
		const wire = await reach.get(path('tasks', id, 'logs'), { kind: 'task', id });
		const logs = [...entriesOf(wire['logs'])];
		const text = logs.map((entry) => textOf(entry['text']) ?? '').join('\n');
		return oneItem({ id, status: parseTaskStatus(wire['status']), text, logs });
	},
};
