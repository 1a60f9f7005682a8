import type { CancelSignal } from '../util/cancelSignal';
import type { JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';
import type { PendingWork } from '../util/pendingWork';
import { downloadFile, type DownloadOptions, type IncomingFile } from './download';
import { findFiles, type OutputFile } from './findFiles';
import type { TransferContext } from './transfer';
import { uploadFile, type UploadedFile, type UploadSource } from './upload';

/** What is needed to tell the files of an output from its other links. */
export interface OutputFacts {
	/**
	 * The schema of what a function of an app puts out; undefined if it has none.
	 *
	 * @throws InferenceError if the app cannot be read
	 */
	schemaOf(app: string, entry: string | undefined): Promise<JsonObject | undefined>;
}

/** The files of an output. */
export interface FoundFiles {
	readonly files: readonly OutputFile[];
	/** Why the schema could not be read, if there are links of which only that can tell what they are. */
	readonly unsure: unknown;
}

/** Declares every link a file. */
const ANY_LINK = { format: 'file', items: { $ref: '#' }, additionalProperties: { $ref: '#' } };

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

	/** Finds the files in an output whose schema is known; undefined for none. */
	findBy(output: unknown, schema: JsonObject | undefined): FoundFiles {
		const { baseUrl } = this.context;
		return { files: findFiles(output, { schema, baseUrl }), unsure: undefined };
	}

	/**
	 * Finds the files in a task's output; see `findFiles`. Never throws: without a schema it finds what
	 * has the shape of a file.
	 *
	 * @param app reference of the app, with or without version
	 * @param entry name of the function, undefined for the default one
	 */
	async find(output: unknown, app: string, entry: string | undefined): Promise<FoundFiles> {
		const schema = await outcomeOf(this.outputs.schemaOf(app, entry));
		const { baseUrl } = this.context;
		if (schema.ok) return this.findBy(output, schema.value);
		const files = findFiles(output, { baseUrl });
		const known = new Set(files.map(({ url }) => url));
		const links = findFiles(output, { schema: ANY_LINK, baseUrl });
		const isUnsure = links.some(({ url }) => !known.has(url));
		return { files, unsure: isUnsure ? schema.error : undefined };
	}
}
