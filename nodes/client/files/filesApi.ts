import type { CancelSignal } from '../util/cancelSignal';
import type { JsonObject } from '../util/json';
import type { PendingWork } from '../util/pendingWork';
import { downloadFile, type DownloadOptions, type IncomingFile } from './download';
import { findFiles, type OutputFile } from './findFiles';
import type { TransferContext } from './transfer';
import { uploadFile, type UploadedFile, type UploadSource } from './upload';

/** What is needed to tell the files of an output from its other links. */
export interface OutputFacts {
	/** The schema of what a function of an app puts out; undefined if it is not known. */
	schemaOf(app: string, entry: string | undefined): Promise<JsonObject | undefined>;
}

/** Files: to the service, from anywhere, and in the outputs of tasks (API notes 6). */
export class FilesApi {
	/** @param work is told of everything under way */
	constructor(
		private readonly context: TransferContext,
		private readonly outputs: OutputFacts,
		private readonly work: PendingWork,
	) {}

	/** Uploads a file; see `uploadFile`. */
	async upload(source: UploadSource, signal: CancelSignal): Promise<UploadedFile> {
		return await this.work.track(uploadFile(source, { ...this.context, signal }));
	}

	/** Downloads a file from any host; see `downloadFile`. */
	async download<T>(
		url: string,
		options: DownloadOptions,
		store: (file: IncomingFile) => Promise<T>,
	): Promise<T> {
		const context = { ...this.context, signal: options.signal };
		return await this.work.track(downloadFile(url, options, store, context));
	}

	/**
	 * Finds the files in a task's output; see `findFiles`.
	 *
	 * @param app reference of the app, with or without version
	 * @param entry name of the function, undefined for the default one
	 */
	async find(
		output: unknown,
		app: string,
		entry: string | undefined,
	): Promise<readonly OutputFile[]> {
		const schema = await this.outputs.schemaOf(app, entry);
		return findFiles(output, { schema, baseUrl: this.context.baseUrl });
	}
}
