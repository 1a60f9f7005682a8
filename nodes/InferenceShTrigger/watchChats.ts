import type { IDataObject } from 'n8n-workflow';
import { isJsonObject } from '../client/util/json';
import { outcomeOf } from '../client/util/outcome';
import { hashOf } from './hash';
import { PageProgress } from './pageProgress';

/** Calls that are remembered, eight characters each. */
const MOST_TOLD = 20_000;
/** Chats that have not changed since they were looked at, and are looked at again for one look. */
const MOST_AGAIN = 20;
/** Chats that cannot be read before no other one is tried. */
const MOST_FAILED = 5;

/** Ids of something that an agent waits for, any of which may come back alone. */
export type CallIds = readonly string[];

/** A chat that waits for somebody, as a list shows it. */
export interface ListedChat {
	readonly id: string;
	/** What it waits for; empty if the list does not show that. */
	readonly calls: readonly CallIds[];
	readonly updatedAt: number | undefined;
}

/** A chat that was looked at, and waits. */
export interface SeenChat<V> {
	readonly calls: readonly CallIds[];
	readonly view: V;
}

/** Where chats are looked at. */
export interface ChatSource<V> {
	/** Chats that wait for somebody. */
	waiting(
		cursor: string | undefined,
	): Promise<{ readonly chats: readonly ListedChat[]; readonly next: string | undefined }>;
	/** Undefined if it is not there, or does not wait any more. */
	look(chat: ListedChat): Promise<SeenChat<V> | undefined>;
}

/** What agents wait for, as far as it has been told. */
export class KnownCalls {
	/** Those that were seen last come last. */
	private readonly told = new Set<string>();

	/** @returns undefined if it is not what `saved` gives */
	static from(data: unknown): KnownCalls | undefined {
		if (!isJsonObject(data) || typeof data['told'] !== 'string') return undefined;
		const known = new KnownCalls();
		for (const hash of data['told'].match(/.{8}/g) ?? []) known.told.add(hash);
		return known;
	}

	/** All of it as n8n saves it. */
	saved(): IDataObject {
		return { told: [...this.told].slice(-MOST_TOLD).join('') };
	}

	/** Takes in what a chat waits for. Returns whether anything of it is new. */
	take(chatId: string, calls: readonly CallIds[]): boolean {
		const isNew = !this.hasAll(chatId, calls);
		for (const id of calls.flat()) {
			const hash = hashOf(`${chatId} ${id}`);
			this.told.delete(hash);
			this.told.add(hash);
		}
		return isNew;
	}

	hasAll(chatId: string, calls: readonly CallIds[]): boolean {
		return calls.every((ids) => ids.some((id) => this.told.has(hashOf(`${chatId} ${id}`))));
	}

	/** Chats, those first that were not looked at for longest. */
	inTurn(chats: readonly ListedChat[]): readonly ListedChat[] {
		const places = new Map([...this.told].map((hash, place) => [hash, place]));
		const placeOf = ({ id }: ListedChat) => places.get(hashOf(`${id} `)) ?? -1;
		return chats.toSorted((left, right) => placeOf(left) - placeOf(right));
	}

	/** Takes in that a chat has been looked at, and how it was then, if it could be read. */
	lookedAt({ id, updatedAt }: ListedChat, wasRead: boolean): void {
		this.take(id, [[''], ...(wasRead ? [[`as of ${updatedAt}`]] : [])]);
	}

	/** Whether a chat is as it was when it was looked at, as far as the list tells. */
	isSame({ id, updatedAt }: ListedChat): boolean {
		return this.hasAll(id, [[`as of ${updatedAt}`, `before ${updatedAt}`]]);
	}

	/** Takes in that a chat waits from the beginning on, without knowing for what. */
	leaveOut({ id, updatedAt }: ListedChat): void {
		this.take(id, [[''], [`before ${updatedAt}`]]);
	}

	/** Whether a chat has been left out, and has not changed since; only the first look finds it so. */
	wasLeftOut({ id, updatedAt }: ListedChat): boolean {
		return this.told.delete(hashOf(`${id} before ${updatedAt}`));
	}
}

/** Begins to watch: what agents wait for by now is not told. */
export async function beginChatWatch<V>(
	source: ChatSource<V>,
	mayGoOn: () => boolean,
): Promise<KnownCalls> {
	const known = new KnownCalls();
	await lookAround(source, known, mayGoOn, { tell: () => {}, isFirst: true });
	return known;
}

/** Looks once for chats that wait for something new. `known` is changed to what is known then. */
export async function watchChats<V>(
	source: ChatSource<V>,
	known: KnownCalls,
	mayGoOn: () => boolean,
): Promise<{ readonly waiting: readonly V[]; readonly error: unknown }> {
	const waiting: V[] = [];
	const tell = (view: V) => void waiting.push(view);
	const looked = await outcomeOf(lookAround(source, known, mayGoOn, { tell, isFirst: false }));
	return { waiting, error: looked.ok ? undefined : looked.error };
}

interface Purpose<V> {
	tell(view: V): void;
	/** Whether nothing is new, also what only shows later what it waits for. */
	readonly isFirst: boolean;
}

async function lookAround<V>(
	source: ChatSource<V>,
	known: KnownCalls,
	mayGoOn: () => boolean,
	{ tell, isFirst }: Purpose<V>,
): Promise<void> {
	const unclear: ListedChat[] = [];
	for (const chat of await readAll(source, mayGoOn)) {
		const isTold = chat.calls.length > 0 && (isFirst || known.hasAll(chat.id, chat.calls));
		if (isTold) known.take(chat.id, chat.calls);
		else unclear.push(chat);
	}
	let again = 0;
	let looks = 0;
	const failures: unknown[] = [];
	for (const chat of known.inTurn(unclear)) {
		if (known.isSame(chat) && (again += 1) > MOST_AGAIN) continue;
		const hasTime = failures.length < MOST_FAILED && (looks === 0 || mayGoOn());
		if (!hasTime && !isFirst) break;
		const look = hasTime ? await outcomeOf(source.look(chat)) : undefined;
		looks += 1;
		if (look) known.lookedAt(chat, look.ok);
		if (look?.ok === false) failures.push(look.error);
		if (!look?.ok) {
			// What cannot be looked at now waits already.
			if (isFirst) known.leaveOut(chat);
			continue;
		}
		const wasThere = known.wasLeftOut(chat);
		const seen = look.value;
		if (!seen) continue;
		const calls =
			seen.calls.length > 0 ? seen.calls : stillUnknown(chat, known, isFirst || wasThere);
		if (known.take(chat.id, calls) && !wasThere) tell(seen.view);
	}
	if (failures.length > 0 && !isFirst) throw failures[0];
}

/** What nothing is known of may show a moment later what it is; the second time it counts. */
function stillUnknown(
	{ id, updatedAt }: ListedChat,
	known: KnownCalls,
	isFirst: boolean,
): readonly CallIds[] {
	const first = [[`unknown ${updatedAt}`]];
	const second = [[`waits ${updatedAt}`]];
	if (isFirst) return [...first, ...second];
	return known.take(id, first) ? [] : second;
}

async function readAll<V>(
	source: ChatSource<V>,
	mayGoOn: () => boolean,
): Promise<readonly ListedChat[]> {
	const all = new Map<string, ListedChat>();
	const asked = new Set<string | undefined>();
	const progress = new PageProgress();
	for (let cursor: string | undefined; !asked.has(cursor) && (asked.size === 0 || mayGoOn()); ) {
		asked.add(cursor);
		const { chats, next } = await source.waiting(cursor);
		progress.take(chats);
		for (const chat of chats) all.set(chat.id, chat);
		if (next === undefined || progress.isOver) break;
		cursor = next;
	}
	return [...all.values()];
}
