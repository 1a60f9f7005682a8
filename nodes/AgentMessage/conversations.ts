import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { AgentChoice } from '../client/agents/messageRequest';
import { isJsonObject, textOf } from '../client/util/json';
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
 * What is saved of a node: one object in the static data of all executions of this process, the
 * conversation that was not used for longest first. n8n loads a copy for each execution and saves it
 * whole when that one ends: whoever ends last would overwrite what the others have learned.
 */
const shared = new Map<string, WeakRef<IDataObject>>();
const unshared = new FinalizationRegistry((node: string) => {
	if (shared.get(node)?.deref() === undefined) shared.delete(node);
});

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
	}

	/** Name of a conversation among those of all nodes. */
	nameOf(talk: Talk): string {
		return this.node + keyOf(talk);
	}

	/** The chat of a conversation. */
	recall(talk: Talk): string | undefined {
		const own = inProcess.get(this.nameOf(talk));
		const chats = this.chats();
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
		const chats = this.chats();
		for (const name of [keyOf(talk), oldKeyOf(talk)]) delete chats[name];
		chats[keyOf(talk)] = memory;
		this.keep(chats);
	}

	/** Forgets a conversation whose chat is gone. */
	forget(talk: Talk): void {
		inProcess.delete(this.nameOf(talk));
		const chats = this.chats();
		for (const name of [keyOf(talk), oldKeyOf(talk)]) delete chats[name];
		this.keep(chats);
	}

	/** The object that is shared, with what only this execution has loaded. */
	private chats(): IDataObject {
		const { chats: loaded } = this.data;
		const known = shared.get(this.node)?.deref();
		if (known && loaded === known) return known;
		const chats = known ?? {};
		const news = memoriesIn(loaded).filter(({ name, memory }) => {
			const before = memoryFrom(chats[name]);
			return !before || before.at < memory.at;
		});
		const memories = news.length === 0 ? [] : [...memoriesIn(chats), ...news];
		memories.sort((left, right) => left.memory.at - right.memory.at);
		for (const { name, memory } of memories) {
			// What is set last comes last.
			delete chats[name];
			chats[name] = { ...memory };
		}
		if (!known) {
			shared.set(this.node, new WeakRef(chats));
			unshared.register(chats, this.node);
		}
		this.keep(chats);
		return chats;
	}

	/** Has them saved: n8n does that if one of the data's own properties has been set. */
	private keep(chats: IDataObject): void {
		const names = Object.keys(chats);
		for (const name of names.slice(0, Math.max(0, names.length - MOST_SAVED))) delete chats[name];
		this.data['chats'] = chats;
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

function memoriesIn(chats: unknown): Array<{ readonly name: string; readonly memory: Memory }> {
	return Object.entries(isJsonObject(chats) ? chats : {}).flatMap(([name, value]) => {
		const memory = memoryFrom(value);
		return memory ? [{ name, memory }] : [];
	});
}

function memoryFrom(value: unknown): Memory | undefined {
	if (!isJsonObject(value)) return undefined;
	const chatId = textOf(value['chatId']);
	return chatId === undefined ? undefined : { chatId, at: Number(value['at']) || 0 };
}
