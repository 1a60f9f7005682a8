import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { appProperty } from '../shared/editor/descriptions/app';
import { limitProperties } from '../shared/editor/descriptions/limits';
import { runOptionsProperty } from '../shared/editor/descriptions/options';
import { inVersion1, shownIf, sinceVersion2 } from '../shared/editor/descriptions/shownIf';
import { toolDescription } from '../shared/editor/descriptions/tool';
import { SESSION_KEY } from './conversationChoice';

/** What stands below the node on the canvas: who is spoken to, or what is done to a chat. */
export const subtitle = `={{ ({
	getChat: "get chat",
	stop: "stop chat",
	respond: { approve: "approve call", reject: "reject call", answer: "answer call" }[$rawParameter.decision] ?? "respond to call",
})[$parameter.operation] ?? ([$parameter[$parameter.agentSource === "adHoc" ? "coreApp" : "agent"]].map((of) => of?.value ?? of)[0] || "send message") }}`;

/** For a model, by operation. */
const TOOL: Readonly<Record<string, string>> = {
	send: 'Sends a message to an AI agent on inference.sh and returns its answer. The agent does not see this conversation: the message must say all that it needs.',
	respond:
		'Approves, rejects or answers a call that an AI agent on inference.sh waits for, and returns its answer.',
	getChat: 'Reads a chat with an AI agent on inference.sh: its messages, status and pending calls.',
	stop: 'Stops what an AI agent on inference.sh is doing in a chat.',
};

const operation: INodeProperties = {
	displayName: 'Operation',
	name: 'operation',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'Get Chat',
			value: 'getChat',
			action: 'Get chat',
			description: 'Read a chat: its status, messages and what it waits for',
		},
		{
			name: 'Respond to Call',
			value: 'respond',
			action: 'Respond to call',
			description:
				'Approve, reject or answer a call that an agent waits for, and wait for its next answer',
		},
		{
			name: 'Send Message',
			value: 'send',
			action: 'Send message',
			description: 'Send a message to an agent and wait for its answer',
		},
		{
			name: 'Stop Chat',
			value: 'stop',
			action: 'Stop chat',
			description: 'Stop what an agent is doing in a chat',
		},
	],
	default: 'send',
};

const agentProperties: INodeProperties[] = [
	{
		displayName: 'Agent Source',
		name: 'agentSource',
		type: 'options',
		noDataExpression: true,
		options: [
			{ name: 'Saved Agent', value: 'saved', description: 'An agent of your workspace' },
			{ name: 'Defined Here', value: 'adHoc', description: 'An agent that is set up in this node' },
		],
		default: 'saved',
	},
	{
		displayName: 'Agent',
		name: 'agent',
		type: 'resourceLocator',
		default: { mode: 'list', value: '' },
		required: true,
		description: 'The agent to talk to',
		modes: [
			{
				displayName: 'From List',
				name: 'list',
				type: 'list',
				placeholder: 'Search your agents…',
				typeOptions: { searchListMethod: 'searchAgents', searchable: true },
			},
			{
				displayName: 'By Reference',
				name: 'ref',
				type: 'string',
				placeholder: 'e.g. my-org/assistant',
				hint: 'namespace/name, with @version if you need it',
			},
		],
		displayOptions: { show: { agentSource: ['saved'] } },
	},
	{
		...appProperty,
		displayName: 'Core App',
		name: 'coreApp',
		description: 'The app with the language model that the agent uses',
		displayOptions: { show: { agentSource: ['adHoc'] } },
	},
	{
		displayName: 'System Prompt',
		name: 'systemPrompt',
		type: 'string',
		typeOptions: { rows: 4 },
		default: '',
		placeholder: 'e.g. You are a friendly support agent.',
		description: 'Who the agent is and how it should work',
		displayOptions: { show: { agentSource: ['adHoc'] } },
	},
	{
		displayName: 'Agent Config (JSON)',
		name: 'agentConfig',
		type: 'json',
		typeOptions: { rows: 4 },
		default: '{}',
		description:
			'The rest of the agent: tools, skills, internal_tools, and the parameters of the model in core_app.input',
		displayOptions: { show: { agentSource: ['adHoc'] } },
	},
];

/** Which chat a message goes to. */
const conversationProperties: INodeProperties[] = [
	...inVersion1([
		{
			displayName: 'Chat ID',
			name: 'chatId',
			type: 'string',
			default: '',
			description:
				'The chat to continue. Leave empty to start a new one. Messages to the same chat are sent one after another.',
		},
	]),
	...sinceVersion2([
		{
			displayName: 'Conversation',
			name: 'conversation',
			type: 'options',
			options: [
				{ name: 'New', value: 'new', description: 'Start a new chat' },
				{
					name: 'By Key',
					value: 'key',
					description:
						'Continue the chat that this node remembers for a key, such as the session of a chat or the number of a customer; start one the first time',
				},
				{
					name: 'By Chat ID',
					value: 'chat',
					description: 'Continue a chat whose ID you have',
				},
			],
			default: 'new',
			description:
				'Which chat the message goes to. Messages to the same chat are sent one after another.',
		},
		{
			displayName: 'Conversation Key',
			name: 'conversationKey',
			type: 'string',
			default: SESSION_KEY,
			required: true,
			placeholder: 'e.g. {{ $json.customerId }}',
			description:
				'Items with the same key talk in the same chat. If you leave it as it is: the session of the Chat Trigger, also if the nodes in between do not pass it on; without a Chat Trigger, the execution.',
			hint: 'Saved in production executions only. In test runs the node remembers the chat until n8n restarts.',
			displayOptions: { show: { conversation: ['key'] } },
		},
		{
			displayName: 'Chat ID',
			name: 'chatId',
			type: 'string',
			default: '',
			// Not required: where Conversation is an expression, n8n would ask for it in vain.
			placeholder: 'e.g. {{ $json.chat_id }}',
			description: 'The chat to continue: <code>chat_id</code> in an earlier output of this node',
			displayOptions: { show: { conversation: ['chat'] } },
		},
	]),
];

const messageProperties: INodeProperties[] = [
	{
		displayName: 'Message',
		name: 'message',
		type: 'string',
		typeOptions: { rows: 2 },
		default: '',
		required: true,
		description: 'What to tell the agent',
	},
	...conversationProperties,
	{
		displayName: 'Attachments',
		name: 'attachments',
		type: 'fixedCollection',
		typeOptions: { multipleValues: true },
		placeholder: 'Add Attachment',
		default: {},
		description: 'Files that go with the message',
		options: [
			{
				displayName: 'Attachment',
				name: 'values',
				values: [
					{
						displayName: 'From',
						name: 'source',
						type: 'options',
						options: [
							{ name: 'Binary Data', value: 'binary' },
							{ name: 'URL', value: 'url' },
						],
						default: 'binary',
					},
					{
						displayName: 'Input Data Field Name',
						name: 'binaryProperty',
						type: 'string',
						default: 'data',
						displayOptions: { show: { source: ['binary'] } },
						placeholder: 'e.g. data',
						description:
							"The field of the incoming item that has the file, or an expression that gives a file: {{ $binary.data }}, {{ $('HTTP Request').item.binary.data }}",
					},
					{
						displayName: 'URL',
						name: 'url',
						type: 'string',
						default: '',
						displayOptions: { show: { source: ['url'] } },
						description: 'Where the service finds the file',
					},
				],
			},
		],
	},
];

const chatProperty: INodeProperties = {
	displayName: 'Chat ID',
	name: 'chatId',
	type: 'string',
	default: '',
	required: true,
	placeholder: 'e.g. {{ $json.chat_id }}',
	description: 'The chat: <code>chat_id</code> in the output of "Send Message"',
};

const callProperties: INodeProperties[] = [
	{
		displayName: 'Call ID',
		name: 'callId',
		type: 'string',
		default: '',
		placeholder: 'The only call that waits',
		description:
			'The call to decide about, from <code>pending</code> in the output of "Send Message". Leave empty if the agent waits for one call only.',
	},
	{
		displayName: 'Decision',
		name: 'decision',
		type: 'options',
		options: [
			{
				name: 'Answer',
				value: 'answer',
				description: 'Give the agent the result of a tool or form',
			},
			{ name: 'Approve', value: 'approve', description: 'Let the agent do it' },
			{ name: 'Reject', value: 'reject', description: 'Let the agent continue without it' },
		],
		default: 'approve',
	},
	{
		displayName: 'Reason',
		name: 'reason',
		type: 'string',
		default: '',
		placeholder: 'e.g. The order is older than 30 days',
		description: 'Why the call is rejected. The agent reads this.',
		displayOptions: { show: { decision: ['reject'] } },
	},
	{
		displayName: 'Answer',
		name: 'answer',
		type: 'string',
		typeOptions: { rows: 2 },
		default: '',
		placeholder: 'e.g. {{ $json.result }}',
		description: 'The result to give to the agent: text, or an expression that gives an object',
		displayOptions: { show: { decision: ['answer'] } },
	},
];

/** Options of sending. */
const sendOptions: INodeProperties[] = [
	{
		displayName: 'Context',
		name: 'context',
		type: 'json',
		default: '{}',
		description: 'Values for the tools of the agent, by name. Only a new chat takes them.',
	},
	...inVersion1([
		{
			displayName: 'Conversation Key',
			name: 'conversationKey',
			type: 'string',
			default: '',
			placeholder: 'e.g. {{ $json.sessionId }}',
			description:
				'The node remembers the chat for this key and continues it the next time. n8n saves this memory only in production executions; in test runs it lasts until n8n restarts.',
		},
	]),
	{
		displayName: 'Output Schema',
		name: 'outputSchema',
		type: 'json',
		default: '{}',
		description:
			'JSON schema of a structured <code>output</code>. Only for an agent that is defined here: a saved agent has its own.',
	},
];

/** Options of everything that an agent answers. */
const turnOptions: INodeProperties[] = [
	{
		displayName: 'When the Agent Waits',
		name: 'onInterrupt',
		type: 'options',
		options: [
			{
				name: 'Approve',
				value: 'approve',
				description:
					'Approve every tool call automatically, up to 25 times. Anything else that the agent waits for, such as an answer, an account to be connected or a higher limit, the node outputs.',
			},
			{ name: 'Fail', value: 'error', description: 'Report an error; the agent keeps waiting' },
			{
				name: 'Reject',
				value: 'reject',
				description:
					'Reject every call automatically, up to 25 times. If the agent needs an account to be connected, the node outputs that.',
			},
			{
				name: 'Return',
				value: 'return',
				description: 'Output what the agent waits for, in <code>pending</code>',
			},
		],
		default: 'return',
		description: 'What to do when the agent waits for an approval or an answer',
	},
	{
		displayName: 'Stream As',
		name: 'streamAs',
		type: 'options',
		options: [
			{ name: 'Off', value: 'off' },
			{ name: 'Text', value: 'text' },
		],
		default: 'text',
		description:
			'What to send to the caller while the agent answers, if the workflow streams its response, for example to a Chat Trigger',
	},
];

/** What the service does to a chat, in the words of the options about tasks. */
const CHAT_FATE: INodePropertyOptions[] = [
	{ name: 'Keep It Running', value: 'keep', description: 'The chat ID is in the error' },
	{ name: 'Stop the Chat', value: 'cancel', description: 'The service ends it' },
];

function forChats(option: INodeProperties): INodeProperties {
	const { options = [] } = option;
	switch (option.name) {
		case 'onStop':
		case 'onTimeout':
			return {
				...option,
				options: CHAT_FATE,
				description: 'What happens to what the agent is doing',
			};
		case 'retryOn':
			return {
				...option,
				options: options.filter((each) => Reflect.get(each, 'value') !== 'taskFailed'),
			};
		case 'onUnclearSubmit':
			return {
				...option,
				options: [
					{
						name: 'Check',
						value: 'check',
						description: 'Look for the message. Send it again only if it is not there.',
					},
					{ name: 'Fail', value: 'fail', description: 'Report an error and send nothing more' },
					{
						name: 'Send Again',
						value: 'resubmit',
						description:
							'Send it again without looking. It may be answered twice, and you may pay for it twice.',
					},
				],
				description:
					'What to do when a message was sent but the answer was lost, so that it may have arrived or not',
			};
		default:
			return option;
	}
}

/** The parameters of Agent Message, in the order of its panel. */
export const properties: INodeProperties[] = [
	...Object.entries(TOOL).flatMap(([name, text]) =>
		shownIf({ operation: [name] }, [toolDescription(text)]),
	),
	operation,
	...shownIf({ operation: ['send'] }, [...agentProperties, ...messageProperties]),
	...shownIf({ operation: ['respond', 'getChat', 'stop'] }, [chatProperty]),
	...shownIf({ operation: ['respond'] }, callProperties),
	...limitProperties,
	runOptionsProperty(
		[
			...shownIf({ '/operation': ['send'] }, sendOptions),
			...shownIf({ '/operation': ['send', 'respond'] }, turnOptions),
		],
		forChats,
	),
];
