import type { IExecuteFunctions } from 'n8n-workflow';
import { monotonicNow } from '../../client/util/clock';
import { SharedWork } from '../../client/util/sharedWork';
import type { UploadedFile } from '../../client/files/upload';

interface ExecutionUploads {
	/** By account: a file belongs to the one that has uploaded it. */
	readonly byAccount: Map<string, SharedWork<UploadedFile>>;
	/** Last used, by the monotonic clock. */
	usedAt: number;
}

/** n8n before 2.33 does not tell when an execution is over. */
const LIFETIME_MS = 10 * 60_000;

/** Uploads of the executions of this process. */
const executions = new Map<string, ExecutionUploads>();
/** The context of a node that runs, or that supplies something. */
type Context = Pick<IExecuteFunctions, 'getExecutionId' | 'onExecutionFinish'>;
const byContext = new WeakMap<Context, ExecutionUploads>();

/**
 * The uploads of the execution that a node run belongs to; a further try finds them again.
 *
 * @param account who uploads, as `InferenceClient.accountId` names it
 */
export function uploadsOf(context: Context, account: string): SharedWork<UploadedFile> {
	const uploads = byContext.get(context) ?? find(context);
	byContext.set(context, uploads);
	uploads.usedAt = monotonicNow();
	const work = uploads.byAccount.get(account) ?? new SharedWork<UploadedFile>();
	uploads.byAccount.set(account, work);
	return work;
}

function find(context: Context): ExecutionUploads {
	for (const [key, { usedAt }] of executions) {
		if (monotonicNow() - usedAt > LIFETIME_MS) executions.delete(key);
	}
	const id = context.getExecutionId();
	const known = executions.get(id);
	if (known) return known;
	const uploads = { byAccount: new Map(), usedAt: monotonicNow() };
	executions.set(id, uploads);
	context.onExecutionFinish?.(() => executions.delete(id));
	return uploads;
}
