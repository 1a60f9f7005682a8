import type {
	BinaryHelperFunctions,
	IBinaryData,
	IBinaryKeyData,
	IDataObject,
	INodeExecutionData,
} from 'n8n-workflow';
import { Deadline } from '../../client/util/deadline';
import type { DownloadOptions, IncomingFile } from '../../client/files/download';
import { TimeoutError } from '../../client/errors';
import type { OutputFile } from '../../client/files/findFiles';
import { outcomeOf } from '../../client/util/outcome';
import type { RunRequest } from '../../client/tasks/runRequest';
import type { TaskRun } from '../../client/tasks/taskRun';
import type { NodeRun } from '../run/nodeRun';
import { inParallel } from '../run/window';

/** Downloads of one item at a time. */
const PARALLEL_DOWNLOADS = 4;
/** Content types that say nothing; the file's name says more. */
const SAYS_NOTHING = /^(application|binary)\/(octet-stream|unknown)$/i;

/** What to do with the files of an item's output. */
export interface DownloadWish {
	readonly request: Pick<RunRequest, 'app' | 'function'>;
	/** Undefined if they are not to be downloaded. */
	readonly download: Pick<DownloadOptions, 'maxBytes'> | undefined;
}

/** Who downloads files, and how long they may take. */
export interface FileKeeper extends Pick<NodeRun, 'client' | 'scope' | 'hints'> {
	readonly settings: Pick<NodeRun['settings'], 'timeoutMs'>;
	readonly context: { readonly helpers: Pick<BinaryHelperFunctions, 'prepareBinaryData'> };
}

/**
 * Adds the files that a task's output names to its item, as binary data, streamed into where n8n
 * keeps it. Their URLs stay in the JSON. The result of the task is never lost: of a file that
 * cannot be downloaded the item tells why.
 *
 * @throws the reason of the run's end, unless its time is over: a further try can do it
 */
export async function addFiles(
	run: FileKeeper,
	item: INodeExecutionData,
	{ task }: TaskRun,
	{ request, download }: DownloadWish,
): Promise<INodeExecutionData> {
	if (!download) return item;
	const { client, scope, settings, hints, context } = run;
	const found = await client.files.find(task.output, request.app, request.function);
	if (found.length === 0) return item;
	const { timeoutMs } = settings;
	using deadline = new Deadline(scope.signal, timeoutMs, () => {
		return new TimeoutError(`The download did not finish within ${(timeoutMs ?? 0) / 1000} s`);
	});
	const options = { ...download, signal: deadline.signal };
	const names = propertyNames(found);
	const files = await inParallel([...found.keys()], PARALLEL_DOWNLOADS, async (index) => {
		const file = found[index];
		const name = names[index] ?? '';
		if (!file) return undefined;
		const store = async (incoming: IncomingFile) => await keep(file, name, incoming);
		return { file, name, stored: await outcomeOf(client.files.download(file.url, options, store)) };
	});
	const ended: unknown = scope.signal.reason;
	if (scope.signal.aborted && !(ended instanceof TimeoutError)) throw ended;

	const binary: IBinaryKeyData = {};
	const errors: IDataObject[] = [];
	for (const entry of files) {
		if (!entry) continue;
		const { file, name, stored } = entry;
		if (stored.ok) binary[name] = stored.value;
		else {
			const { error } = stored;
			const message = error instanceof Error ? error.message : String(error);
			errors.push({ field: file.path.join('.'), url: file.url, message });
			hints.notDownloaded(message);
		}
	}
	if (Object.keys(binary).length > 0) item.binary = binary;
	if (errors.length > 0) item.json['download_errors'] = errors;
	return item;

	async function keep(
		file: OutputFile,
		property: string,
		incoming: IncomingFile,
	): Promise<IBinaryData> {
		const name = baseName(file.filename ?? '') || baseName(incoming.filename ?? '') || property;
		const hasExtension = /\.\w+$/.test(name);
		const said = [file.contentType, incoming.contentType].find(
			(type) => type !== undefined && type !== '' && !SAYS_NOTHING.test(type),
		);
		const type = said ?? (hasExtension ? undefined : 'application/octet-stream');
		const stored = await context.helpers.prepareBinaryData(incoming.stream, name, type);
		const { fileExtension } = stored;
		return hasExtension || !fileExtension
			? stored
			: { ...stored, fileName: `${name}.${fileExtension}` };
	}
}

/** A file's name without folders and what no file system likes. */
function baseName(name: string): string {
	const base = name.replace(/^.*[/\\]/s, '').replace(/[\p{Cc}<>:"|?*]/gu, '_');
	return /^\.*$/.test(base) ? '' : base;
}

/** Names of binary properties, by where the files are in the output: `image`, `images_0`. */
function propertyNames(files: readonly OutputFile[]): readonly string[] {
	const taken = new Set<string>();
	return files.map(({ path }) => {
		const base = path.join('_').replace(/[^\p{L}\p{N}_]+/gu, '_') || 'file';
		let name = base;
		for (let copy = 2; taken.has(name); copy += 1) name = `${base}_${copy}`;
		taken.add(name);
		return name;
	});
}
