/**
 * Task statuses in the order of their numbers on the wire (API notes 3.2). The numbers are not in
 * the order of a task's life: `cancelling` may be followed by `uploading`.
 */
const STATUS_NAMES = [
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

export type TaskStatus = (typeof STATUS_NAMES)[number];

export type TerminalStatus = Extract<TaskStatus, 'completed' | 'failed' | 'cancelled'>;

/**
 * Reads a status from the wire: a number, a number as text, or a name in any case.
 *
 * @returns `unknown`, which is not terminal, for everything it does not know
 */
export function parseTaskStatus(value: unknown): TaskStatus {
	if (typeof value === 'number') return STATUS_NAMES[value] ?? 'unknown';
	if (typeof value !== 'string') return 'unknown';
	const text = value.trim().toLowerCase();
	if (/^\d+$/.test(text)) return STATUS_NAMES[Number(text)] ?? 'unknown';
	if (text === 'canceled') return 'cancelled';
	return STATUS_NAMES.find((name) => name === text) ?? 'unknown';
}

export function isTerminal(status: TaskStatus): status is TerminalStatus {
	return status === 'completed' || status === 'failed' || status === 'cancelled';
}
