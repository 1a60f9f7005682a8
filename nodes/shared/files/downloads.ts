import type {
	BinaryHelperFunctions,
	IBinaryData,
	IDataObject,
	INodeExecutionData,
} from 'n8n-workflow';
import { TimeoutError } from '../../client/errors';
import type { DownloadOptions, IncomingFile } from '../../client/files/download';
import type { FoundFiles } from '../../client/files/filesApi';
import type { OutputFile } from '../../client/files/findFiles';
import type { RunRequest } from '../../client/tasks/runRequest';
import type { TaskRun } from '../../client/tasks/taskRun';
import { Deadline } from '../../client/util/deadline';
import { outcomeOf, type Outcome } from '../../client/util/outcome';
import type { ItemRun } from '../run/itemRun';
import { inParallel } from '../run/window';
import { storeFile } from './storeFile';
import { messageOf } from '../../client/util/errorMessage';

/** Downloads of one item at a time. */
const PARALLEL_DOWNLOADS = 4;

/** What to do with the files of an item's output. */
export interface DownloadWish {
	readonly request: Pick<RunRequest, 'app' | 'function'>;
	/** Undefined if they are not to be downloaded. */
	readonly download: Pick<DownloadOptions, 'maxBytes'> | undefined;
}

/** Who downloads files, and how long they may take. */
export interface FileKeeper extends Pick<ItemRun, 'client' | 'scope' | 'hints'> {
	readonly settings: Pick<ItemRun['settings'], 'timeoutMs'>;
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
	const { app } = request;
	const found = await run.client.files.find(task.output, app, request.function);
	return await addFound(run, item, found, download, app);
}

/**
 * Adds files of an output to its item; as `addFiles`.
 *
 * @param owner whose output schema it is
 */
export async function addFound(
	run: FileKeeper,
	item: INodeExecutionData,
	{ files, unsure }: FoundFiles,
	download: Pick<DownloadOptions, 'maxBytes'>,
	owner: string,
): Promise<INodeExecutionData> {
	if (files.length === 0 && unsure === undefined) return item;
	const downloads = await downloadAll(run, files, download);
	const { signal } = run.scope;
	const ended: unknown = signal.reason;
	if (signal.aborted && !(ended instanceof TimeoutError)) throw ended;
	const errors = downloadErrors(downloads, (message) => run.hints.notDownloaded(message));
	if (unsure !== undefined) {
		const message = `The output schema of ${owner} could not be read, so files may be missing: ${messageOf(unsure)}`;
		run.hints.say(message);
		errors.push({ message });
	}
	return withDownloads(item, downloads, errors);
}

/** How the download of a file of an output ended. */
interface Download {
	readonly file: OutputFile;
	/** The binary property that it goes to. */
	readonly property: string;
	readonly stored: Outcome<IBinaryData>;
}

/** Downloads files, a few at a time, within the time that one item has; never throws. */
async function downloadAll(
	{ client, scope, settings, context }: FileKeeper,
	files: readonly OutputFile[],
	limits: Pick<DownloadOptions, 'maxBytes'>,
): Promise<readonly Download[]> {
	const { timeoutMs } = settings;
	using deadline = new Deadline(scope.signal, timeoutMs, () => {
		return new TimeoutError(`The download did not finish within ${(timeoutMs ?? 0) / 1000} s`);
	});
	const options = { ...limits, signal: deadline.signal };
	return await inParallel(withProperties(files), PARALLEL_DOWNLOADS, async (named) => {
		const { file, property } = named;
		const store = async (incoming: IncomingFile) =>
			await storeFile(context.helpers, file, incoming, property);
		return { ...named, stored: await outcomeOf(client.files.download(file.url, options, store)) };
	});
}

/** What an item says of files that could not be downloaded. */
function downloadErrors(
	downloads: readonly Download[],
	onFailure: (message: string) => void,
): IDataObject[] {
	return downloads.flatMap(({ file, stored }) => {
		if (stored.ok) return [];
		const message = messageOf(stored.error);
		onFailure(message);
		return [{ field: file.path.join('.'), url: file.url, message }];
	});
}

/** The item with what has been downloaded, and with a note of what could not be. */
function withDownloads(
	item: INodeExecutionData,
	downloads: readonly Download[],
	errors: IDataObject[],
): INodeExecutionData {
	const binary = downloads.flatMap(({ property, stored }) => {
		return stored.ok ? [[property, stored.value] as const] : [];
	});
	if (binary.length > 0) item.binary = Object.fromEntries(binary);
	if (errors.length > 0) item.json['download_errors'] = errors;
	return item;
}

/** Files with names of binary properties, by where they are in the output: `image`, `images_0`. */
function withProperties(
	files: readonly OutputFile[],
): ReadonlyArray<Pick<Download, 'file' | 'property'>> {
	const taken = new Set<string>();
	/** How many files have had the same name. */
	const copies = new Map<string, number>();
	return files.map((file) => {
		const words = file.path.join('_').replace(/[^\p{L}\p{N}_]+/gu, '_');
		// Where all objects have something already, nothing can be kept: `__proto__`, `constructor`.
		const base = words === '' || words in {} ? `file${words}` : words;
		let copy = copies.get(base) ?? 1;
		const name = () => (copy === 1 ? base : `${base}_${copy}`);
		while (taken.has(name())) copy += 1;
		copies.set(base, copy);
		taken.add(name());
		return { file, property: name() };
	});
}
