import type { IExecuteFunctions } from 'n8n-workflow';
import type { AgentChoice } from '../client/agents/messageRequest';
import { isJsonObject, textOf, type JsonObject } from '../client/util/json';
import { nodeOf } from '../shared/parameters/nodeOf';

/** A remembered chat. */
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
 * Which chat belongs to which conversation of a node. It is kept where n8n keeps a node's static
 * data, which is saved for production executions only, and in this process. Of two memories the
 * later one counts: another worker may have begun the conversation anew.
 */
export class Conversations {
	private readonly node: string;

	constructor(private readonly context: IExecuteFunctions) {
		this.node = JSON.stringify([context.getWorkflow().id, nodeOf(context).id]);
	}

	/** Names a conversation with an agent; another agent does not go on with it. */
	static key(conversationKey: string, agent: AgentChoice): string {
		const core = agent.kind === 'adHoc' ? agent.config['core_app'] : undefined;
		const ref = agent.kind === 'saved' ? agent.ref : isJsonObject(core) ? core['ref'] : '';
		return JSON.stringify([ref, conversationKey]);
	}

	/** Name of a conversation among those of all nodes. */
	nameOf(key: string): string {
		return this.node + key;
	}

	/** The chat of a conversation. */
	recall(key: string): string | undefined {
		const own = inProcess.get(this.nameOf(key));
		const saved = memoryFrom(this.saved()[key]);
		return (own && saved && own.at < saved.at ? saved : (own ?? saved))?.chatId;
	}

	remember(key: string, chatId: string): void {
		const place = this.nameOf(key);
		const memory = { chatId, at: Date.now() };
		inProcess.delete(place);
		inProcess.set(place, memory);
		for (const oldest of inProcess.keys()) {
			if (inProcess.size <= MOST_IN_PROCESS) break;
			inProcess.delete(oldest);
		}
		const kept = Object.entries(this.saved())
			.filter(([name]) => name !== key)
			.sort(([, left], [, right]) => (memoryFrom(right)?.at ?? 0) - (memoryFrom(left)?.at ?? 0))
			.slice(0, MOST_SAVED - 1);
		this.save({ ...Object.fromEntries(kept), [key]: memory });
	}

	/** Forgets a conversation whose chat is gone. */
	forget(key: string): void {
		inProcess.delete(this.nameOf(key));
		const { [key]: gone, ...others } = this.saved();
		if (gone !== undefined) this.save(others);
	}

	private saved(): JsonObject {
		const { chats } = this.context.getWorkflowStaticData('node');
		return isJsonObject(chats) ? chats : {};
	}

	/** n8n saves static data only if one of its own properties has been set. */
	private save(chats: JsonObject): void {
		Object.assign(this.context.getWorkflowStaticData('node'), { chats: { ...chats } });
	}
}

function memoryFrom(value: unknown): Memory | undefined {
	if (!isJsonObject(value)) return undefined;
	const chatId = textOf(value['chatId']);
	return chatId === undefined ? undefined : { chatId, at: Number(value['at']) || 0 };
}
