import type { INodeProperties } from 'n8n-workflow';

/**
 * What a model reads about a node that is a tool of an AI agent, shown there only. Without a
 * parameter of this name n8n makes its own, which begins with the description for people, and
 * hides it if the node has operations.
 *
 * @param text what the tool does, for a model, until somebody says it better
 */
export function toolDescription(text: string): INodeProperties {
	return {
		displayName: 'Tool Description',
		name: 'toolDescription',
		type: 'string',
		typeOptions: { rows: 3 },
		default: text,
		required: true,
		displayOptions: { show: { '@tool': [true] } },
		description: 'What the agent reads to decide whether and how to use this tool',
		hint: 'Rewrite it for what you use it for, e.g. "Makes a picture from a text and returns its link"',
	};
}
