/** Task statuses: numbers on the wire, names everywhere else. */

export const STATUS_NAMES = [
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

export const RECEIVED = 1;
export const QUEUED = 2;
export const RUNNING = 7;
export const CANCELLING = 8;
export const COMPLETED = 10;
export const FAILED = 11;
export const CANCELLED = 12;

/** Whether nothing follows this status. */
export function isTerminal(status: number): boolean {
	return status >= COMPLETED;
}

/** The name of a status number. */
export function statusName(status: number): string {
	return STATUS_NAMES[status] ?? 'unknown';
}

/** The number of a status given either way; throws on a name that does not exist. */
export function statusNumber(status: string | number): number {
	if (typeof status === 'number') return status;
	const index = STATUS_NAMES.findIndex((name) => name === status.toLowerCase());
	if (index < 0) throw new RangeError(`there is no task status "${status}"`);
	return index;
}
