import { path } from '../api/api';
import { certainPage, PAGE_SIZE } from '../api/paging';
import { isJsonObject, type JsonObject } from '../util/json';
import type { Ask } from '../follow/follower';

const MAX_PAGES = 20;

/** Where a chat is. */
export function chatRoute(chatId: string): string {
	return path('chats', chatId);
}

/** The route of a page of a chat's messages. */
export function messagesRoute(
	chatId: string,
	cursor: string | undefined,
	limit = PAGE_SIZE,
): string {
	const more = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
	return `${chatRoute(chatId)}/messages?limit=${limit}${more}`;
}

/** Reads the chat itself; undefined if there was no usable answer. */
export async function readChat(ask: Ask, chatId: string): Promise<JsonObject | undefined> {
	return await ask({ method: 'GET', path: chatRoute(chatId) }, (value) =>
		isJsonObject(value) && 'id' in value ? value : undefined,
	);
}

/**
 * Reads the messages of a chat, page by page. The first page has the newest ones (the SDK takes
 * what follows for older), but if a later page has newer ones the list is read to its end.
 *
 * @param enough whether a page has brought all that is wanted
 * @returns undefined if an answer was missing
 */
export async function readMessages(
	ask: Ask,
	chatId: string,
	enough: (page: readonly JsonObject[]) => boolean,
): Promise<readonly JsonObject[] | undefined> {
	const messages: JsonObject[] = [];
	let cursor: string | undefined;
	let newestFirst = true;
	let newest = -1;
	for (let page = 0; page < MAX_PAGES; page += 1) {
		const route = messagesRoute(chatId, cursor);
		const list = await ask({ method: 'GET', path: route }, certainPage);
		if (!list) return undefined;
		const { items, next } = list;
		const newestOfPage = newestOf(items);
		newestFirst &&= page === 0 || newestOfPage <= newest;
		newest = Math.max(newest, newestOfPage);
		for (const item of items) messages.push(item);
		if (next.kind !== 'more' || (newestFirst && enough(items))) break;
		({ cursor } = next);
	}
	return messages;
}

function newestOf(messages: readonly JsonObject[]): number {
	return messages.reduce((newest, { order }) => {
		return typeof order === 'number' ? Math.max(newest, order) : newest;
	}, -1);
}
