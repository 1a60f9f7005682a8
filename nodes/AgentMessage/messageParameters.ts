import type { IExecuteFunctions } from 'n8n-workflow';
import type { Attachment, MessageRequest } from '../client/agents/messageRequest';
import type { InferenceClient } from '../client/client';
import type { UploadedFile } from '../client/files/upload';
import type { CancelSignal } from '../client/util/cancelSignal';
import type { JsonObject } from '../client/util/json';
import type { NamedBinary } from '../shared/files/binarySource';
import { uploadBinaries } from '../shared/files/uploads';
import { readItemFiles } from '../shared/parameters/itemFiles';
import { ItemParameters } from '../shared/parameters/itemParameters';
import { decodedPart } from '../client/util/url';
import { readAgent } from './agentConfig';
import { readConversation, type Conversation } from './conversationChoice';

/** What one item wants to say, and to whom. */
export interface ItemMessage {
	readonly conversation: Conversation;
	readonly request: Omit<MessageRequest, 'chatId'>;
	/** Uploads the files that are in binary data; undefined if there are none. */
	readonly attach: ((signal: CancelSignal) => Promise<readonly Attachment[]>) | undefined;
}

/** Types by which an agent tells images from other files; for others the service finds out. */
const TYPES: Readonly<Record<string, string>> = {
	csv: 'text/csv',
	gif: 'image/gif',
	jpeg: 'image/jpeg',
	jpg: 'image/jpeg',
	json: 'application/json',
	md: 'text/markdown',
	mp3: 'audio/mpeg',
	mp4: 'video/mp4',
	pdf: 'application/pdf',
	png: 'image/png',
	txt: 'text/plain',
	wav: 'audio/wav',
	webp: 'image/webp',
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
	const item = new ItemParameters(context, itemIndex);
	const conversation = readConversation(item);
	const agent = readAgent(item, optionalObject(item, 'outputSchema'));
	const text = item.get('message').text();
	const { urls, files } = readAttachments(item);
	const upload = async (signal: CancelSignal) =>
		(await uploadBinaries(item, client, files, signal)).map(attachmentOf);
	return {
		conversation,
		attach: files.length === 0 ? undefined : upload,
		request: {
			agent,
			text,
			attachments: urls,
			context: withTexts(optionalObject(item, 'context')),
		},
	};
}

/** One of the Options that is JSON and, unless somebody fills it in, an empty object. */
function optionalObject({ options }: ItemParameters, name: string): JsonObject | undefined {
	const option = options.get(name);
	return option.value === '{}' ? undefined : option.optionalJsonObject();
}

/** The service takes text values only. */
function withTexts(values: JsonObject | undefined): JsonObject | undefined {
	if (!values) return undefined;
	const texts = Object.entries(values).map(([key, value]) => {
		return [key, typeof value === 'string' ? value : JSON.stringify(value)] as const;
	});
	return Object.fromEntries(texts);
}

/** What a message takes along: files that the service fetches, and files that n8n has. */
interface Attachments {
	readonly urls: readonly Attachment[];
	readonly files: readonly NamedBinary[];
}

function readAttachments(item: ItemParameters): Attachments {
	const urls: Attachment[] = [];
	const files: NamedBinary[] = [];
	for (const entry of item.entries('attachments')) {
		const { displayName } = entry;
		const help = `It is part of "${displayName}".`;
		const source = entry.get('source', 'binary').oneOf(['binary', 'url']);
		if (source === 'url') urls.push(fromUrl(entry.get('url').url(help)));
		else {
			const given = readItemFiles(item, entry.get('binaryProperty'), displayName);
			files.push(...given.map((binaryProperty) => ({ binaryProperty, displayName })));
		}
	}
	return { urls, files };
}

function attachmentOf({ uri, filename, content_type, size }: UploadedFile): Attachment {
	return { uri, filename, content_type, size };
}

function fromUrl(uri: string): Attachment {
	const filename = decodedPart(new URL(uri).pathname.split('/').at(-1) ?? '') || 'file';
	const extension = filename.split('.').at(-1)?.toLowerCase() ?? '';
	return { uri, filename, content_type: TYPES[extension] };
}
