import type { IDataObject } from 'n8n-workflow';
import { isJsonObject } from '../client/util/json';
import { outcomeOf } from '../client/util/outcome';
import { hashOf } from './hash';
import { PageProgress } from './pageProgress';

/** Calls that are remembered, eight characters each. */
const MOST_TOLD = 20_000;

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

	/** Takes in that a chat has been looked at. */
	lookedAt(chatId: string): void {
		this.take(chatId, [['']]);
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
	for (const [at, chat] of known.inTurn(unclear).entries()) {
		if (at > 0 && !mayGoOn()) return;
		const seen = await source.look(chat);
		known.lookedAt(chat.id);
		if (!seen) continue;
		const calls = seen.calls.length > 0 ? seen.calls : stillUnknown(chat, known, isFirst);
		if (known.take(chat.id, calls)) tell(seen.view);
	}
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
