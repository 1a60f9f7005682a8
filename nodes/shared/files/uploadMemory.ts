import type { IExecuteFunctions } from 'n8n-workflow';
import { SharedWork } from '../../client/util/sharedWork';
import type { UploadedFile } from '../../client/files/upload';
import { CREDENTIAL_NAME } from '../run/connection';
import { nodeOf } from '../parameters/nodeOf';

interface ExecutionUploads {
	readonly work: SharedWork<UploadedFile>;
	/** Last used, ms since the epoch. */
	usedAt: number;
}

/** n8n before 2.33 does not tell when an execution is over. */
const LIFETIME_MS = 10 * 60_000;

/** Uploads of the executions of this process, by execution and credential. */
const executions = new Map<string, ExecutionUploads>();
const byContext = new WeakMap<IExecuteFunctions, ExecutionUploads>();

/** The uploads of the execution that a node run belongs to; a further try finds them again. */
export function uploadsOf(context: IExecuteFunctions): SharedWork<UploadedFile> {
	const uploads = byContext.get(context) ?? find(context);
	byContext.set(context, uploads);
	uploads.usedAt = Date.now();
	return uploads.work;
}

function find(context: IExecuteFunctions): ExecutionUploads {
	for (const [key, { usedAt }] of executions) {
		if (Date.now() - usedAt > LIFETIME_MS) executions.delete(key);
	}
	const credential = nodeOf(context).credentials?.[CREDENTIAL_NAME]?.id;
	const key = JSON.stringify([context.getExecutionId(), credential]);
	const known = executions.get(key);
	if (known) return known;
	const uploads = { work: new SharedWork<UploadedFile>(), usedAt: Date.now() };
	executions.set(key, uploads);
	context.onExecutionFinish?.(() => executions.delete(key));
	return uploads;
}
