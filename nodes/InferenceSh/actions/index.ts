import type { Resource } from '../operation';
import { getBalance } from './account/getBalance.operation';
import { getLimits } from './account/getLimits.operation';
import { getSpending } from './account/getSpending.operation';
import { getAgent } from './agent/get.operation';
import { getAgents } from './agent/getAll.operation';
import { estimateCost } from './app/estimateCost.operation';
import { getApp } from './app/get.operation';
import { searchForApps } from './app/search.operation';
import { getChats } from './chat/getAll.operation';
import { getMessages } from './chat/getMessages.operation';
import { deleteFile } from './file/delete.operation';
import { downloadFile } from './file/download.operation';
import { getFiles } from './file/getAll.operation';
import { uploadFile } from './file/upload.operation';
import { getFlow } from './flow/get.operation';
import { getFlows } from './flow/getAll.operation';
import { runFlow } from './flow/run.operation';
import { cancelFlowRun } from './flowRun/cancel.operation';
import { getFlowRun } from './flowRun/get.operation';
import { getFlowRuns } from './flowRun/getAll.operation';
import { searchKnowledge } from './knowledge/search.operation';
import { endSession } from './session/end.operation';
import { getSessions } from './session/getAll.operation';
import { keepSessionAlive } from './session/keepAlive.operation';
import { cancelTask } from './task/cancel.operation';
import { getTask } from './task/get.operation';
import { getTasks } from './task/getAll.operation';
import { getTaskCost } from './task/getCost.operation';
import { getTaskLogs } from './task/getLogs.operation';

/** All that the node can do, in the order of its panel. */
export const RESOURCES: readonly Resource[] = [
	{ name: 'Account', value: 'account', operations: [getBalance, getLimits, getSpending] },
	{ name: 'Agent', value: 'agent', operations: [getAgent, getAgents] },
	{ name: 'App', value: 'app', operations: [estimateCost, getApp, searchForApps] },
	{ name: 'Chat', value: 'chat', operations: [getChats, getMessages] },
	{ name: 'File', value: 'file', operations: [deleteFile, downloadFile, getFiles, uploadFile] },
	{ name: 'Flow', value: 'flow', operations: [getFlow, getFlows, runFlow] },
	{ name: 'Flow Run', value: 'flowRun', operations: [cancelFlowRun, getFlowRun, getFlowRuns] },
	{ name: 'Knowledge', value: 'knowledge', operations: [searchKnowledge] },
	{ name: 'Session', value: 'session', operations: [endSession, getSessions, keepSessionAlive] },
	{
		name: 'Task',
		value: 'task',
		operations: [cancelTask, getTask, getTaskCost, getTaskLogs, getTasks],
	},
];
