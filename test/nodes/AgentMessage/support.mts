/** What the tests of Agent Message share. */
import type { IDataObject, INodeExecutionData, INodeParameters } from 'n8n-workflow';
import { AgentMessage } from '../../../nodes/AgentMessage/AgentMessage.node.ts';
import type { Sandbox, SandboxChatView } from '../../sandbox/index.mts';
import { runNode, type EngineRun, type RunNodeOptions } from '../../engine/engine.mts';
import { credentialsOf, QUICK } from '../../engine/support.mts';

export interface AgentOptions extends Partial<Omit<RunNodeOptions, 'parameters'>> {
	/** A reference, or an expression that gives one. */
	agent?: string;
	/** Default `={{ $json.message }}`. */
	message?: string;
	/** Sends to the conversation of this key. */
	conversationKey?: string;
	/** Sends to the chat of this id. */
	chatId?: string;
	/** Parameters besides agent and message. */
	parameters?: INodeParameters;
	/** The Options collection, on top of the quick settings. */
	options?: INodeParameters;
}

/** Runs Agent Message in the engine. Unless told otherwise it sends the message of each item. */
export async function agentMessage(
	sandbox: Sandbox,
	options: AgentOptions = {},
): Promise<EngineRun> {
	const {
		agent = 'sandbox/assistant',
		message,
		parameters,
		options: collection,
		conversationKey,
		chatId,
		...rest
	} = options;
	return await runNode({
		node: new AgentMessage(),
		credentials: credentialsOf(sandbox),
		items: [{ message: 'hello' }],
		...rest,
		parameters: {
			agent: { __rl: true, mode: 'ref', value: agent },
			message: message ?? '={{ $json.message }}',
			...(conversationKey !== undefined && { conversation: 'key', conversationKey }),
			...(chatId !== undefined && { conversation: 'chat', chatId }),
			...parameters,
			options: { ...QUICK, ...collection },
		},
	});
}

/** Parameters of an agent that is defined in the node. */
export function adHoc(parameters: INodeParameters = {}): INodeParameters {
	return {
		agentSource: 'adHoc',
		coreApp: { __rl: true, mode: 'ref', value: 'anthropic/claude-sonnet-5' },
		...parameters,
	};
}

/** Items with a message each. */
export function saying(...messages: string[]): IDataObject[] {
	return messages.map((message) => ({ message }));
}

/** What users have said in a chat, and agents. */
export function talkOf(chat: SandboxChatView | undefined): string[] {
	return (chat?.messages ?? []).map(({ role, text }) => `${role}: ${text}`);
}

/** How often a message was sent. */
export function sent(sandbox: Sandbox): number {
	return sandbox.count('POST', '/agents/run');
}

/** Sends files of an item with a message, to an agent that says what it got. */
export async function attach(
	sandbox: Sandbox,
	files: unknown[],
	item: INodeExecutionData,
	more: AgentOptions = {},
): Promise<EngineRun> {
	const values = files.map((binaryProperty) => ({ source: 'binary', binaryProperty }));
	return await agentMessage(sandbox, {
		agent: 'sandbox/painter',
		message: 'look',
		items: [item],
		parameters: { attachments: { values } as IDataObject as never },
		...more,
	});
}
