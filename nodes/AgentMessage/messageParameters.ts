import type { IExecuteFunctions } from 'n8n-workflow';
import type { CancelSignal } from '../client/util/cancelSignal';
import type { InferenceClient } from '../client/client';
import { isJsonObject, listOf, type JsonObject } from '../client/util/json';
import type { Attachment, MessageRequest } from '../client/agents/sendMessage';
import { uploadBinary } from '../shared/files/uploads';
import {
	isBlank,
	jsonObject,
	nodeOf,
	oneOf,
	optionalText,
	optionalUrl,
	readParameter,
	type Field,
} from '../shared/parameters/parameters';
import { parameterError } from '../shared/parameters/parameterError';
import { readOptions } from '../shared/parameters/runSettings';
import { readAgent } from './agentConfig';
import { inParallel } from '../shared/run/window';

/** What one item wants to say, and to whom. */
export interface ItemMessage {
	readonly request: MessageRequest;
	/** Names the conversation, if the node shall remember its chat. */
	readonly conversationKey: string | undefined;
	/** Uploads the files that are in binary data; undefined if there are none. */
	readonly attach: ((signal: CancelSignal) => Promise<readonly Attachment[]>) | undefined;
}

/** Uploads of one item at a time. */
const PARALLEL_UPLOADS = 4;

/** Types by which an agent tells images from other files; for others the service finds out. */
const TYPES: Readonly<Record<string, string>> = {
	...{ png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif' },
	...{ webp: 'image/webp', pdf: 'application/pdf', txt: 'text/plain', csv: 'text/csv' },
	...{ md: 'text/markdown', json: 'application/json', mp3: 'audio/mpeg', wav: 'audio/wav' },
	...{ mp4: 'video/mp4' },
};

/**
 * Reads what an item sends.
 *
 * @throws NodeOperationError that names the parameter, the item and the bad value
 */
export function readMessage(
	context: IExecuteFunctions,
	client: InferenceClient,
	itemIndex: number,
): ItemMessage {
	const node = nodeOf(context);
	const options = readOptions(context, itemIndex);
	const option = (name: string, displayName: string): Field => {
		return { node, itemIndex, displayName, value: options[name] };
	};
	const object = (name: string, displayName: string): JsonObject | undefined =>
		isBlank(options[name]) || options[name] === '{}'
			? undefined
			: jsonObject(option(name, displayName));
	const conversationKey = readText(option('conversationKey', 'Conversation Key'));
	const chatId = readText(parameter(context, itemIndex, 'chatId', 'Chat ID'));
	if (conversationKey !== undefined && chatId !== undefined) {
		throw parameterError(
			node,
			'Conversation Key',
			'and Chat ID are both set, but only one of them can tell the chat',
			itemIndex,
		);
	}
	const agent = readAgent(context, itemIndex, object('outputSchema', 'Output Schema'));
	const text = readText(parameter(context, itemIndex, 'message', 'Message'));
	if (text === undefined) throw parameterError(node, 'Message', 'is empty', itemIndex);
	const { urls, properties } = readAttachments(context, itemIndex);
	const upload = async (signal: CancelSignal) =>
		await inParallel(properties, PARALLEL_UPLOADS, async (property) => {
			return await uploadBinary(context, client, itemIndex, property, signal, 'Attachments');
		});
	return {
		conversationKey,
		attach: properties.length === 0 ? undefined : upload,
		request: {
			...{ agent, chatId, text, attachments: urls },
			context: readContext(object('context', 'Context')),
		},
	};
}

/** One parameter of an item, with what is needed to complain about it. */
export function parameter(
	context: IExecuteFunctions,
	itemIndex: number,
	name: string,
	displayName: string,
): Field {
	const value = readParameter(context, name, displayName, itemIndex, '');
	return { node: nodeOf(context), itemIndex, displayName, value };
}

/**
 * Text; numbers and booleans of expressions pass, undefined if it is blank.
 *
 * @throws NodeOperationError
 */
export function readText(field: Field): string | undefined {
	const { value } = field;
	const plain = typeof value === 'number' || typeof value === 'boolean';
	return optionalText(plain ? { ...field, value: String(value) } : field);
}

/** The service takes text values only. */
function readContext(values: JsonObject | undefined): JsonObject | undefined {
	if (!values) return undefined;
	const texts = Object.entries(values).map(([key, value]) => {
		return [key, typeof value === 'string' ? value : JSON.stringify(value)] as const;
	});
	return Object.fromEntries(texts);
}

function readAttachments(
	context: IExecuteFunctions,
	itemIndex: number,
): { readonly urls: readonly Attachment[]; readonly properties: readonly string[] } {
	const node = nodeOf(context);
	const displayName = 'Attachments';
	const given = readParameter(context, 'attachments', displayName, itemIndex, {});
	const urls: Attachment[] = [];
	const properties: string[] = [];
	for (const entry of listOf(isJsonObject(given) ? given['values'] : undefined)) {
		const values = isJsonObject(entry) ? entry : {};
		const field = (name: string, inner: string): Field => {
			return { node, itemIndex, displayName: inner, value: values[name] };
		};
		const source = oneOf({ ...field('source', displayName), value: values['source'] ?? 'binary' }, [
			'binary',
			'url',
		]);
		const where = source === 'url' ? 'URL' : 'Binary Property';
		const name = source === 'url' ? 'url' : 'binaryProperty';
		const value =
			source === 'url' ? optionalUrl(field(name, where)) : optionalText(field(name, where));
		if (value === undefined) {
			throw parameterError(node, where, 'is empty', itemIndex, `It is part of ${displayName}.`);
		}
		if (source === 'url') urls.push(fromUrl(value));
		else properties.push(value);
	}
	return { urls, properties };
}

function fromUrl(uri: string): Attachment {
	const filename = decoded(new URL(uri).pathname.split('/').at(-1) ?? '') || 'file';
	const extension = filename.split('.').at(-1)?.toLowerCase() ?? '';
	return { uri, filename, content_type: TYPES[extension] };
}

function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}
