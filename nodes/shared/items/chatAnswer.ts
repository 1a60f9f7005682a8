import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { isJsonObject } from '../../client/util/json';
import { answerText } from '../output/answerText';
import { nodeOf, versionOf } from '../parameters/nodeOf';
import { LiveStream } from '../run/liveStream';
import type { NodeRun } from '../run/nodeRun';

const CHAT_TRIGGER = '@n8n/n8n-nodes-langchain.chatTrigger';

/** What shows words of any kind. */
const OTHER_WORDS =
	'Add an Edit Fields node after this one that sets the field "text" to what the chat is to say';

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
function shownInChat({ output, text, response, message }: IDataObject): unknown {
	return output ?? text ?? (isJsonObject(response) ? response['text'] : undefined) ?? message;
}

/** Whose words a node puts out: outputs of apps, which Output can make words of, or an agent's. */
export type Speaker = 'app' | 'agent';

function wordsOf({ json }: INodeExecutionData, speaker: Speaker): string {
	const text = speaker === 'app' ? (answerText(json['output']) ?? answerText(json)) : json['text'];
	return typeof text === 'string' ? text : '';
}

/**
 * Sees to it that n8n's chat shows the answer, if a message there has started the execution and
 * this node is the last one: sends the words to a chat that waits for a stream, or says above the
 * output which setting shows them.
 *
 * @param live where the node has streamed its answers; undefined if it does not do so by itself
 */
export async function answerChat(
	{ context, hints }: NodeRun,
	items: readonly INodeExecutionData[],
	speaker: Speaker,
	live?: LiveStream,
): Promise<void> {
	const [item] = items;
	if (versionOf(context) < 2 || !item || item.json['error'] !== undefined) return;
	if (!answersChat(context)) return;
	const stream = live ?? LiveStream.to(context);
	if (wordsOf(item, speaker) === '') {
		const streamed = stream
			? ', and set "Response Mode" of the Chat Trigger to "When Last Node Finishes"'
			: '';
		return hints.say(
			`The chat shows words, and this ${speaker} has not answered in words. ${OTHER_WORDS}${streamed}.`,
		);
	}
	if (live) {
		if (live.hasSpoken) return;
		return hints.say(
			'The chat shows only what is streamed to it. Set "Output: Stream As" to "Text".',
		);
	}
	if (stream) {
		for (const [index, each] of items.entries()) {
			stream.send('begin', index);
			stream.send('item', index, wordsOf(each, speaker));
			stream.send('end', index);
		}
		return await stream.flush();
	}
	const shown = shownInChat(item.json);
	if (typeof shown === 'string' && shown !== '') return;
	const setting = speaker === 'app' ? 'Set "Output" to "Only the Text"' : OTHER_WORDS;
	hints.say(`The chat would show data here, not the answer. ${setting}.`);
}
