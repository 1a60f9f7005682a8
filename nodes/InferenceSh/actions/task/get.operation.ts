import { path } from '../../../client/api/api';
import { oneItem, type Operation } from '../../operation';
import { simplifyProperty } from '../../properties';
import { shown } from '../../view';
import { taskIdProperty, taskView } from './taskView';

export const getTask: Operation = {
	kind: 'request',
	name: 'Get',
	value: 'get',
	action: 'Get task',
	description: 'Read a task as it is now: its status, output and error',
	properties: [taskIdProperty, simplifyProperty],
	async execute({ reach }, item) {
		const id = item.get('taskId').text();
		const task = await reach.get(path('tasks', id), { kind: 'task', id });
		return oneItem(shown(taskView, task, item.get('simplify', true).isOn()));
	},
};
