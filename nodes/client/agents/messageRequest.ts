import type { JsonObject } from '../util/json';

/** Who answers: an agent of the workspace, or one that exists only for the chat. */
export type AgentChoice =
	| { readonly kind: 'saved'; readonly ref: string }
	/** `config` in the words of API notes 5.2. */
	| { readonly kind: 'adHoc'; readonly config: JsonObject };

/** A file that goes with a message (API notes 5.1). */
export interface Attachment {
	readonly uri: string;
	readonly filename?: string | undefined;
	readonly content_type?: string | undefined;
	readonly size?: number | undefined;
}

/** A message for an agent. */
export interface MessageRequest {
	readonly agent: AgentChoice;
	/** Undefined for a new chat. */
	readonly chatId: string | undefined;
	readonly text: string;
	readonly attachments: readonly Attachment[];
	/** Values for the agent's tools; the service reads them when the chat is created. */
	readonly context: JsonObject | undefined;
}

/** The request's wire form. The empty fields are what the official SDKs send. */
export function messageBody(request: MessageRequest): JsonObject {
	const { agent, chatId, text, attachments, context } = request;
	return {
		chat_id: chatId ?? null,
		...(agent.kind === 'saved'
			? { agent: agent.ref }
			: { agent_config: agent.config, agent_name: agent.config['name'] }),
		context,
		input: {
			text,
			attachments: attachments.length === 0 ? undefined : attachments,
			role: 'user',
			context: [],
			system_prompt: '',
			context_size: 0,
		},
		stream: false,
	};
}
