import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { isJsonObject } from '../../client/util/json';
import { answerText } from '../output/answerText';
import { nodeOf, versionOf } from '../parameters/nodeOf';
import type { NodeRun } from '../run/nodeRun';

const CHAT_TRIGGER = '@n8n/n8n-nodes-langchain.chatTrigger';

/** Whether a message in n8n's chat has started the execution and this node is the last one. */
function answersChat(context: IExecuteFunctions): boolean {
	const { name } = nodeOf(context);
	if (context.getChildNodes(name).length > 0) return false;
	return context.getParentNodes(name).some((parent) => {
		if (parent.type !== CHAT_TRIGGER) return false;
		// Braces would end the expression.
		const text = JSON.stringify(parent.name).replaceAll('{', '\\x7b').replaceAll('}', '\\x7d');
		return context.evaluateExpression(`{{ $(${text}).isExecuted }}`, 0) === true;
	});
}

/** What n8n's chat shows of an item: the first of these that is there, object or not. */
function shownInChat({ json }: INodeExecutionData): unknown {
	const { output, text, response, message } = json;
	return output ?? text ?? (isJsonObject(response) ? response['text'] : undefined) ?? message;
}

/**
 * Says above the output how the answer comes into n8n's chat, if that has started the execution and
 * would not show it.
 *
 * @param streamed whether the text goes to the caller while the task runs, if the caller wants that
 */
export function hintForChat(
	{ context, hints }: NodeRun,
	items: readonly INodeExecutionData[],
	streamed: boolean,
): void {
	const [item] = items;
	if (versionOf(context) < 2 || !item || item.json['error'] !== undefined) return;
	if (!answersChat(context)) return;
	const text = answerText(item.json['output']) ?? answerText(item.json);
	if (text === undefined) {
		return hints.say(
			'The chat shows words, and this app does not answer in words. Add an Edit Fields node after this one that sets the field "text" to what the chat is to say.',
		);
	}
	if (context.isStreaming()) {
		if (streamed) return;
		return hints.say(
			'The chat shows only what is streamed to it. Use Stream Task, or set Response Mode of the Chat Trigger to "When Last Node Finishes".',
		);
	}
	const shown = shownInChat(item);
	if (typeof shown === 'string' && shown !== '') return;
	hints.say('The chat would show data here, not the answer. Set Output to "Only the Text".');
}
