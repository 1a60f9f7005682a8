import type { ApiCall } from '../api/api';
import type { ClientContext } from '../api/context';
import { withinItsTime } from '../api/itemTime';
import { readPage } from '../api/paging';
import { retrying } from '../api/retry';
import { InferenceError, NotFoundError, ProtocolError } from '../errors';
import type { CancelSignal } from '../util/cancelSignal';
import { asJsonObject, isJsonObject, type JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';
import type { PendingWork } from '../util/pendingWork';
import { readList, type ListQuery, type ListRows } from './readList';

/** Entries that a picker gets at once. */
const PICKER_PAGE = 50;

/** Files as a list shows them. */
export interface FilePage {
	readonly rows: readonly JsonObject[];
	readonly nextCursor: string | undefined;
}

/** What is in a workspace around running: tasks, files, flows, chats, costs (API notes 3.1, 6.1). */
export class WorkspaceApi {
	/** @param work is told of everything under way */
	constructor(
		private readonly context: ClientContext,
		private readonly work: PendingWork,
	) {}

	/** A page of the files of the workspace, newest first, for a picker. */
	async files(search: string | undefined, cursor?: string): Promise<FilePage> {
		const term = search?.trim() ?? '';
		const body = {
			limit: PICKER_PAGE,
			cursor,
			sort: [{ field: 'created_at', dir: 'desc' }],
			search: term === '' ? undefined : { term, exact: false },
		};
		const { context } = this;
		const { api, signal } = context;
		const call = { method: 'POST', path: '/files/list', body, signal } as const;
		const read = async () => readPage(api, call, await api.send(call));
		const { rows, next } = await this.work.track(retrying(read, context));
		return { rows, nextCursor: next.kind === 'more' ? next.cursor : undefined };
	}

	/**
	 * Does something for an item, within its time and with a place among those of its account.
	 *
	 * @param signal aborts with the node run
	 * @throws TimeoutError and StoppedError that say whether something may have been changed; what
	 * `job` throws
	 */
	async forItem<T>(signal: CancelSignal, job: (reach: Reach) => Promise<T>): Promise<T> {
		const { context } = this;
		let reach: Reach | undefined;
		const item = withinItsTime(
			{ signal, verb: 'finish' },
			context,
			async (inner) => await job((reach = new Reach(inner))),
			async (givenUp) =>
				await Promise.resolve(
					reach?.mayHaveChanged === true
						? givenUp.error('The item', UNCLEAR, { mayRun: true, hint: LOOK })
						: givenUp.error('The item', 'Nothing was changed for it.'),
				),
		);
		return await this.work.track(item);
	}
}

const UNCLEAR = 'It is not known whether the service has done what was asked.';
const LOOK = 'Look at inference.sh before running this item again.';

/** Whether the answer to a deletion says that nothing was deleted. */
function isNo(answer: unknown): boolean {
	return answer === false || (isJsonObject(answer) && answer['deleted'] === false);
}

type Question = Pick<ApiCall, 'path' | 'body' | 'about'>;

/**
 * What an item can ask of the service, as long as it has time. Every request is one that may be
 * repeated, and is, as the settings allow.
 */
export class Reach {
	/** Whether something that changes the workspace has been sent. */
	mayHaveChanged = false;

	/** @param context whose signal aborts with the item */
	constructor(private readonly context: ClientContext) {}

	/** Aborts with the item. */
	get signal(): CancelSignal {
		return this.context.signal;
	}

	/**
	 * Reads an object.
	 *
	 * @throws NotFoundError if it is not there; InferenceError
	 */
	async get(path: string, about?: ApiCall['about']): Promise<JsonObject> {
		return await this.ask('GET', { path, about }, asJsonObject);
	}

	/**
	 * Asks a question that is too long for an address; nothing is changed by it.
	 *
	 * @param decode undefined for what the API does not promise
	 */
	async query<T>(
		path: string,
		body: JsonObject,
		decode: (value: unknown) => T | undefined,
	): Promise<T> {
		return await this.ask('POST', { path, body }, decode);
	}

	/**
	 * Reads what is no object, such as a list that comes whole.
	 *
	 * @param decode undefined for what the API does not promise
	 */
	async read<T>(path: string, decode: (value: unknown) => T | undefined): Promise<T> {
		return await this.ask('GET', { path }, decode);
	}

	/** Changes something in a way that may be repeated; its answer may be anything. */
	async change(question: Question): Promise<unknown> {
		const ask = async () => await this.ask('POST', question, (value) => ({ value }));
		return (await this.changing(ask)).value;
	}

	/** Does something that may change the workspace: who gives it up does not know whether it has. */
	async changing<T>(job: () => Promise<T>): Promise<T> {
		this.mayHaveChanged = true;
		const done = await job();
		this.mayHaveChanged = false;
		return done;
	}

	/**
	 * Deletes something. What is gone already (410) is what was asked for.
	 *
	 * @throws NotFoundError if it is not there, unless an earlier attempt may have deleted it;
	 * ProtocolError if the service answers that it has not deleted it
	 */
	async remove(path: string): Promise<void> {
		const { context } = this;
		const { api, signal } = context;
		const call = { method: 'DELETE', path, signal } as const;
		let mayBeDone = false;
		const remove = async () => {
			const sent = await outcomeOf(api.send(call));
			if (sent.ok) {
				if (!isNo(sent.value.value)) return;
				throw new ProtocolError('The service answers that it has deleted nothing', {
					httpStatus: sent.value.httpStatus,
					hint: LOOK,
				});
			}
			const { error } = sent;
			if (error instanceof NotFoundError && (mayBeDone || error.httpStatus === 410)) return;
			mayBeDone ||= error instanceof InferenceError && error.mayHaveBeenAccepted;
			throw error;
		};
		await this.changing(async () => {
			await retrying(remove, context);
		});
	}

	/** Reads a list page by page; see `readList`. */
	async list<T>(query: ListQuery, view: (row: JsonObject) => T): Promise<ListRows<T>> {
		return await readList(query, view, this.context);
	}

	private async ask<T>(
		method: ApiCall['method'],
		question: Question,
		decode: (value: unknown) => T | undefined,
	): Promise<T> {
		const { context } = this;
		const { api, signal } = context;
		const call: ApiCall = { ...question, method, signal };
		return await retrying(async () => {
			const reply = await api.send(call);
			const value = decode(reply.value);
			if (value === undefined) throw api.unexpected(call, reply);
			return value;
		}, context);
	}
}
