/** What the tests of files share: files where n8n keeps them, and looks at what came out. */
import { createHash } from 'node:crypto';
import type {
	IBinaryData,
	IExecuteFunctions,
	INodeExecutionData,
	INodeParameters,
	INodeType,
} from 'n8n-workflow';
import { NODE_NAME, readBinary, runNode, type EngineRun } from '../../engine/engine.mts';

export function sha256(bytes: Uint8Array): string {
	return createHash('sha256').update(bytes).digest('hex');
}

/** Puts a file into n8n's binary storage as a node before ours would, with n8n's own helper. */
class Store implements INodeType {
	description: INodeType['description'] = {
		displayName: 'Store',
		name: 'store',
		group: ['transform'],
		version: 1,
		description: 'Stores a file',
		defaults: { name: 'Store' },
		inputs: ['main'],
		outputs: ['main'],
		properties: [],
	};
	readonly #file: { bytes: Buffer; fileName: string; mimeType: string };

	constructor(bytes: Buffer, fileName: string, mimeType: string) {
		this.#file = { bytes, fileName, mimeType };
		const file = this.#file;
		this.execute = async function (this: IExecuteFunctions) {
			const { bytes: content, fileName: name, mimeType: type } = file;
			const data = await this.helpers.prepareBinaryData(content, name, type);
			return [[{ json: {}, binary: { data }, pairedItem: { item: 0 } }]];
		};
	}

	execute: NonNullable<INodeType['execute']>;
}

/** A file in n8n's storage. */
export async function inStorage(
	bytes: Buffer,
	fileName = 'photo.png',
	mimeType = 'image/png',
): Promise<IBinaryData> {
	const run = await runNode({ node: new Store(bytes, fileName, mimeType), parameters: {} });
	const data = run.output(NODE_NAME)[0]?.binary?.['data'];
	if (data?.id === undefined) throw new Error('n8n did not store the file');
	return data;
}

/** A file in the item itself, as n8n keeps it without a storage. */
export function inMemory(
	bytes: Buffer,
	fileName = 'photo.png',
	mimeType = 'image/png',
): IBinaryData {
	return { data: bytes.toString('base64'), fileName, mimeType };
}

/** The Files From Binary Data parameter: input field → binary property. */
export function binaryFiles(fields: Readonly<Record<string, string>>): INodeParameters {
	const values = Object.entries(fields).map(([field, binaryProperty]) => ({
		field,
		binaryProperty,
	}));
	return { binaryFiles: { values } };
}

/** Hash, name and type of every file of an output item, by binary property. */
export async function filesOf(
	item: INodeExecutionData | undefined,
): Promise<Record<string, { sha256: string; fileName?: string; mimeType: string }>> {
	const entries = Object.entries(item?.binary ?? {}).map(async ([property, binary]) => {
		const { fileName, mimeType } = binary;
		const hash = sha256(await readBinary(binary));
		return [property, { sha256: hash, ...(fileName && { fileName }), mimeType }] as const;
	});
	return Object.fromEntries(await Promise.all(entries));
}

export function hintsOf(run: EngineRun): string {
	return JSON.stringify(run.hints(NODE_NAME));
}
