import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { AgentChoice } from '../client/agents/messageRequest';
import { isJsonObject, textOf, type JsonObject } from '../client/util/json';
import { nodeOf } from '../shared/parameters/nodeOf';

/** What makes a conversation: who talks with whom. */
export interface Talk {
	/** The value of Conversation Key. */
	readonly key: string;
	/** Another agent does not go on with it. */
	readonly agent: AgentChoice;
	/** Whose chats they are (`InferenceClient.accountId`): those of another account are not ours. */
	readonly account: string;
}

interface Memory {
	readonly chatId: string;
	/** When it was last used, ms since the epoch. */
	readonly at: number;
}

/** Conversations that are kept for a node; the one that was not used for longest goes first. */
const MOST_SAVED = 1_000;
const MOST_IN_PROCESS = 10_000;

/** Test executions are not saved, so the process remembers them, too. */
const inProcess = new Map<string, Memory>();

/**
 * The static data of a node that executions of this process have. n8n loads a copy for each
 * execution and saves it whole when that one ends: whoever ends last would overwrite what the
 * others have learned, so all copies are told.
 */
const copies = new Map<string, Set<WeakRef<IDataObject>>>();

/**
 * Which chat belongs to which conversation of a node. It is kept where n8n keeps a node's static
 * data, which is saved for production executions only, and in this process. Of two memories the
 * later one counts: another worker may have begun the conversation anew.
 */
export class Conversations {
	private readonly node: string;
	private readonly data: IDataObject;

	constructor(context: IExecuteFunctions) {
		this.node = JSON.stringify([context.getWorkflow().id, nodeOf(context).id]);
		this.data = context.getWorkflowStaticData('node');
		const known = copies.get(this.node) ?? new Set();
		copies.set(this.node, known.add(new WeakRef(this.data)));
	}

	/** Name of a conversation among those of all nodes. */
	nameOf(talk: Talk): string {
		return this.node + keyOf(talk);
	}

	/** The chat of a conversation. */
	recall(talk: Talk): string | undefined {
		const own = inProcess.get(this.nameOf(talk));
		const chats = chatsOf(this.data);
		const saved = memoryFrom(chats[keyOf(talk)] ?? chats[oldKeyOf(talk)]);
		return (own && saved && own.at < saved.at ? saved : (own ?? saved))?.chatId;
	}

	remember(talk: Talk, chatId: string): void {
		const place = this.nameOf(talk);
		const memory = { chatId, at: Date.now() };
		inProcess.delete(place);
		inProcess.set(place, memory);
		for (const oldest of inProcess.keys()) {
			if (inProcess.size <= MOST_IN_PROCESS) break;
			inProcess.delete(oldest);
		}
		this.change((chats) => {
			const kept = Object.entries(chats)
				.filter(([name]) => name !== keyOf(talk) && name !== oldKeyOf(talk))
				.sort(([, left], [, right]) => timeOf(right) - timeOf(left))
				.slice(0, MOST_SAVED - 1);
			return { ...Object.fromEntries(kept), [keyOf(talk)]: memory };
		});
	}

	/** Forgets a conversation whose chat is gone. */
	forget(talk: Talk): void {
		inProcess.delete(this.nameOf(talk));
		this.change((chats) => {
			const { [keyOf(talk)]: gone, [oldKeyOf(talk)]: old, ...others } = chats;
			return gone === undefined && old === undefined ? chats : others;
		});
	}

	/** Changes what is to be saved, in every execution that is going to save it. */
	private change(change: (chats: JsonObject) => JsonObject): void {
		const known = copies.get(this.node) ?? new Set();
		for (const copy of known) {
			const data = copy.deref();
			if (!data) {
				known.delete(copy);
				continue;
			}
			const before = chatsOf(data);
			const after = change(before);
			// n8n saves static data only if one of its own properties has been set.
			if (after !== before) Object.assign(data, { chats: { ...after } });
		}
		if (known.size === 0) copies.delete(this.node);
	}
}

function keyOf({ key, agent, account }: Talk): string {
	return JSON.stringify([agentName(agent), key, account]);
}

/** As release 0.1.0 named them, without an account. */
function oldKeyOf({ key, agent }: Talk): string {
	return JSON.stringify([agentName(agent), key]);
}

function agentName(agent: AgentChoice): unknown {
	if (agent.kind === 'saved') return agent.ref;
	const core = agent.config['core_app'];
	return isJsonObject(core) ? core['ref'] : '';
}

function chatsOf(data: IDataObject): JsonObject {
	const { chats } = data;
	return isJsonObject(chats) ? chats : {};
}

function memoryFrom(value: unknown): Memory | undefined {
	if (!isJsonObject(value)) return undefined;
	const chatId = textOf(value['chatId']);
	return chatId === undefined ? undefined : { chatId, at: Number(value['at']) || 0 };
}

function timeOf(value: unknown): number {
	return memoryFrom(value)?.at ?? 0;
}
