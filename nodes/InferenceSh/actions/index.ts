import type { Resource } from '../operation';
import { cancelTask } from './task/cancel.operation';
import { getTask } from './task/get.operation';
import { getTasks } from './task/getAll.operation';
import { getTaskCost } from './task/getCost.operation';
import { getTaskLogs } from './task/getLogs.operation';

/** All that the node can do, in the order of its panel. */
export const RESOURCES: readonly Resource[] = [
	{
		name: 'Task',
		value: 'task',
		operations: [cancelTask, getTask, getTaskCost, getTaskLogs, getTasks],
	},
];
