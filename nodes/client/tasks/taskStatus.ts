/**
 * Task statuses in the order of their numbers on the wire (API notes 3.2). The numbers are not in
 * the order of a task's life: `cancelling` may be followed by `uploading`.
 */
export const TASK_STATUSES = [
	'unknown',
	'received',
	'queued',
	'dispatched',
	'preparing',
	'serving',
	'setting_up',
	'running',
	'cancelling',
	'uploading',
	'completed',
	'failed',
	'cancelled',
] as const;

export type TaskStatus = (typeof TASK_STATUSES)[number];

export type TerminalStatus = Extract<TaskStatus, 'completed' | 'failed' | 'cancelled'>;

/**
 * Reads a status from the wire: a number, a number as text, or a name in any case.
 *
 * @returns `unknown`, which is not terminal, for everything it does not know
 */
export function parseTaskStatus(value: unknown): TaskStatus {
	if (typeof value === 'number') return TASK_STATUSES[value] ?? 'unknown';
	if (typeof value !== 'string') return 'unknown';
	const text = value.trim().toLowerCase();
	if (/^\d+$/.test(text)) return TASK_STATUSES[Number(text)] ?? 'unknown';
	if (text === 'canceled') return 'cancelled';
	return TASK_STATUSES.find((name) => name === text) ?? 'unknown';
}

export function isTerminal(status: TaskStatus): status is TerminalStatus {
	return status === 'completed' || status === 'failed' || status === 'cancelled';
}
