import type {
	ILoadOptionsFunctions,
	INodeListSearchItems,
	INodeListSearchResult,
} from 'n8n-workflow';
import { llmContractOf, type LlmContract } from '../client/apps/llmContract';
import type { InferenceClient } from '../client/client';
import { InferenceError, TimeoutError } from '../client/errors';
import type { CancelSignal } from '../client/util/cancelSignal';
import { Deadline } from '../client/util/deadline';
import { outcomeOf } from '../client/util/outcome';
import { fillList } from '../shared/editor/editorQuery';
import { inParallel } from '../shared/run/window';

/** Where people read about a model, with their account. */
const PAGES = 'https://app.inference.sh/apps/';
/** Category of the store's apps that talk. */
const CHAT = ['chat', 'llm', 'language'];
/** Models whose schemas are read to say what they can do; the others are listed without. */
const MOST_DESCRIBED = 60;
const PARALLEL_READS = 8;
/** What is not known by then is left out. */
const DESCRIBE_MS = 6_000;
/** Pages of the store that are looked through. */
const MOST_PAGES = 5;

/**
 * Fills the picker of models: all apps that speak the contract of language models, with what each of
 * them takes. Where the service has no such list, it is the store's apps for chats.
 *
 * @throws NodeApiError that says why nothing can be listed
 */
export async function searchModels(
	this: ILoadOptionsFunctions,
	filter = '',
): Promise<INodeListSearchResult> {
	const term = filter.trim().toLowerCase();
	return await fillList(this, 'models', async (client) => {
		const refs = (await modelRefs(client)).filter((ref) => ref.toLowerCase().includes(term));
		return { results: await described(client, refs) };
	});
}

async function modelRefs(client: InferenceClient): Promise<readonly string[]> {
	const listed = await outcomeOf(client.apps.chatModels());
	if (!listed.ok) {
		const { error } = listed;
		if (!(error instanceof InferenceError && error.httpStatus === 404)) throw error;
	}
	const refs = listed.ok ? listed.value : await chatAppsOfStore(client);
	return [...new Set(refs)].sort((left, right) => left.localeCompare(right));
}

async function chatAppsOfStore(client: InferenceClient): Promise<readonly string[]> {
	const refs: string[] = [];
	let cursor: string | undefined;
	for (let pages = 0; pages < MOST_PAGES; pages += 1) {
		const page = await client.apps.listStore(undefined, cursor);
		const chats = page.items.filter(({ category }) => CHAT.includes(category?.toLowerCase() ?? ''));
		refs.push(...chats.map(({ ref }) => ref));
		cursor = page.nextCursor;
		if (cursor === undefined) break;
	}
	return refs;
}

async function described(
	client: InferenceClient,
	refs: readonly string[],
): Promise<INodeListSearchItems[]> {
	using scope = new Deadline(undefined, DESCRIBE_MS, () => new TimeoutError('takes too long'));
	const item = async (ref: string) => await listItem(client, ref, scope.signal);
	const first = await inParallel(refs.slice(0, MOST_DESCRIBED), PARALLEL_READS, item);
	return [...first, ...refs.slice(MOST_DESCRIBED).map((ref) => bareItem(ref))];
}

const bareItem = (ref: string): INodeListSearchItems => ({
	name: ref,
	value: ref,
	...(ref.includes('/') && { url: PAGES + ref }),
});

async function listItem(
	client: InferenceClient,
	ref: string,
	signal: CancelSignal,
): Promise<INodeListSearchItems> {
	const app = await outcomeOf(client.apps.get(ref, signal));
	const contract = app.ok ? llmContractOf(app.value, undefined) : undefined;
	return { ...bareItem(ref), ...(contract && { description: abilities(contract) }) };
}

/** `tools, images, files, reasoning · 1,000,000 tokens of context` */
function abilities({ input, contextSize }: LlmContract): string {
	const able = ['tools', 'images', 'files'].filter((name) => input.has(name));
	if (input.has('reasoning_effort')) able.push('reasoning');
	const size = contextSize?.toLocaleString('en-US');
	const parts = [
		able.length === 0 ? 'text only' : able.join(', '),
		...(size === undefined ? [] : [`${size} tokens of context`]),
	];
	return parts.join(' · ');
}
