import type { IExecuteFunctions } from 'n8n-workflow';
import type { InferenceClient } from '../../client/client';
import { appName } from '../../client/apps/appRef';
import { InferenceError } from '../../client/errors';
import type { TaskIndex } from '../../client/tasks/taskIndex';
import type { RunRequest } from '../../client/tasks/runRequest';
import { outcomeOf } from '../../client/util/outcome';
import type { ReuseSettings } from '../parameters/runSettings';
import type { RunHints } from './hints';

/** Tasks between two lines of progress in the log. */
const TOLD_EACH = 1_000;

/**
 * What a run's accounts have bought before, so that it is not bought again. The tasks of an app are
 * read once in a run, when the first item asks for it, and each of them serves one item.
 */
export class Reuse {
	private readonly indexes = new Map<InferenceClient, Map<string, Promise<TaskIndex>>>();

	/** @param settings undefined if everything is bought anew */
	constructor(
		private readonly context: IExecuteFunctions,
		private readonly settings: ReuseSettings | undefined,
		private readonly hints: RunHints,
	) {}

	/**
	 * Earlier tasks that may serve an item.
	 *
	 * @param uploads whether files are uploaded for it, whose new addresses make it unlike any other
	 * @throws InferenceError if they cannot be read: whatever is started then may be bought twice
	 */
	async tasksFor(
		client: InferenceClient,
		{ app, session }: RunRequest,
		uploads: boolean,
	): Promise<TaskIndex | undefined> {
		if (!this.settings) return undefined;
		if (uploads || session === 'new') {
			this.hints.say(uploads ? UPLOADED : NEW_SESSION);
			return undefined;
		}
		const ofClient = this.indexes.get(client) ?? new Map<string, Promise<TaskIndex>>();
		this.indexes.set(client, ofClient);
		const name = appName(app);
		const index = ofClient.get(name) ?? this.read(client, name, this.settings);
		ofClient.set(name, index);
		return await index;
	}

	private async read(
		client: InferenceClient,
		app: string,
		settings: ReuseSettings,
	): Promise<TaskIndex> {
		const { context } = this;
		let told = 0;
		const onPage = (count: number) => {
			if (count < told + TOLD_EACH) return;
			told = count;
			context.logger.info(`inference.sh: ${count} earlier tasks of ${app} read, to be reused`);
		};
		const index = await outcomeOf(client.tasks.earlier(app, { ...settings, onPage }));
		if (index.ok) return index.value;
		const { error } = index;
		const isOver = !(error instanceof InferenceError) || error.concern === 'run';
		throw isOver ? error : notRead(app, error);
	}
}

function notRead(app: string, error: InferenceError): InferenceError {
	return error.reworded(
		`Not started, because "Reuse: Earlier Results" is on and the earlier tasks of ${app} cannot be read: ${error.message}`,
	);
}

const UPLOADED =
	'Items with files are run anew, although "Reuse: Earlier Results" is on: each upload has an address of its own, so it cannot be told whether an earlier task had the same file. Give the URL of a file that stays where it is instead.';
const NEW_SESSION =
	'Items with "Task: Session" new are run anew, although "Reuse: Earlier Results" is on: each begins a session of its own.';
