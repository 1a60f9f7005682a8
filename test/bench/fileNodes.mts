/** Nodes that move files: ours as it is published, one that does the same by hand, and their source. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { Readable } from 'node:stream';
import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeParameters,
	INodeType,
} from 'n8n-workflow';
import { Agent, request } from 'undici';
import { NODE_NAME, runNode, useFileBinaryData } from '../engine/engine.mts';
import type { Address } from './serviceProcess.mts';
import { slide } from './work.mts';

type Items = INodeExecutionData[];

/** A node of one function. */
function nodeOf(name: string, execute: (context: IExecuteFunctions) => Promise<Items>): INodeType {
	return {
		description: {
			displayName: name,
			name: 'bench',
			group: ['transform'],
			version: 1,
			description: name,
			defaults: { name },
			inputs: ['main'],
			outputs: ['main'],
			properties: [],
		},
		async execute() {
			return [await execute(this)];
		},
	};
}

async function run(
	node: INodeType,
	parameters: INodeParameters,
	items: Items,
	address?: Address,
): Promise<Items> {
	const credentials = address && {
		apiKey: address.apiKey,
		baseUrl: address.url,
		maxConcurrency: 0,
	};
	const result = await runNode({
		node,
		parameters,
		items,
		mode: 'trigger',
		...(credentials && { credentials }),
	});
	if (result.error) throw result.error;
	const output = result.output(NODE_NAME);
	if (output.length !== items.length) throw new Error(`${output.length} items came out`);
	return output;
}

/** Items with a file each in n8n's storage, all of them different. */
export async function storedFiles(count: number, bytes: number): Promise<Items> {
	await useFileBinaryData();
	const store = nodeOf('Store', async (context) => {
		const chunk = Buffer.alloc(65_536, 'n8n');
		const items: Items = [];
		for (let index = 0; index < count; index += 1) {
			chunk.writeUInt32BE(index);
			const content = Readable.from(
				(function* () {
					for (let left = bytes; left > 0; left -= chunk.length) {
						yield left >= chunk.length ? chunk : chunk.subarray(0, left);
					}
				})(),
				{ objectMode: false },
			);
			const type = 'application/octet-stream';
			const data = await context.helpers.prepareBinaryData(content, `file-${index}.bin`, type);
			items.push({ json: {}, binary: { data }, pairedItem: { item: 0 } });
		}
		return items;
	});
	const { output } = await runNode({ node: store, parameters: {}, mode: 'trigger' });
	return output(NODE_NAME);
}

/** Run App from a folder of compiled code. */
export class RunAppNode {
	readonly #node: INodeType;
	readonly #address: Address;

	constructor(dist: string, address: Address) {
		const require = createRequire(import.meta.url);
		const file = path.join(dist, 'nodes/RunApp/RunApp.node.js');
		const { RunApp } = require(file) as { RunApp: new () => INodeType };
		this.#node = new RunApp();
		this.#address = address;
	}

	async run(app: string, items: Items, parameters: INodeParameters): Promise<Items> {
		return await run(
			this.#node,
			{ app: { __rl: true, mode: 'ref', value: app }, inputMode: 'item', ...parameters },
			items,
			this.#address,
		);
	}
}

interface Envelope<T> {
	readonly data: T;
}

/**
 * The same transfers with undici and nothing around it: a place for the file, the file, the task,
 * its stream, the file of its output, from and to n8n's storage.
 */
export async function transferByHand(
	address: Address,
	items: Items,
	width: number,
): Promise<Items> {
	const { url, apiKey } = address;
	const dispatcher = new Agent();
	const authorization = { authorization: `Bearer ${apiKey}` };
	const post = async <T,>(route: string, body: object): Promise<T> => {
		const answer = await request(url + route, {
			dispatcher,
			method: 'POST',
			headers: { ...authorization, 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
		return ((await answer.body.json()) as Envelope<T>).data;
	};
	const transfer = async (context: IExecuteFunctions, index: number) => {
		const { id = '', fileName = '' } = items[index]?.binary?.['data'] ?? {};
		const { fileSize: size } = await context.helpers.getBinaryMetadata(id);
		const type = 'application/octet-stream';
		const [place] = await post<Array<{ uri: string; upload_url: string }>>('/files', {
			files: [{ uri: '', filename: fileName, content_type: type, size }],
		});
		const { uri = '', upload_url: uploadUrl = '' } = place ?? {};
		const put = await request(uploadUrl, {
			dispatcher,
			method: 'PUT',
			headers: { 'content-type': type, 'content-length': String(size) },
			body: await context.helpers.getBinaryStream(id),
		});
		await put.body.dump();
		const input = { file: uri };
		const task = await post<{ id: string }>('/apps/run', { app: FILE_APP, input, wait: false });
		const stream = await request(`${url}/tasks/${task.id}/stream`, {
			dispatcher,
			headers: { ...authorization, accept: 'application/x-ndjson' },
		});
		const lines = (await stream.body.text()).trim().split('\n');
		const last = JSON.parse(lines.at(-1) ?? '') as { data?: object };
		const { output } = { ...last, ...last.data } as { output: { file: string } };
		const file = await request(output.file, { dispatcher });
		const data = await context.helpers.prepareBinaryData(file.body, fileName, type);
		return { json: { output }, binary: { data }, pairedItem: { item: index } };
	};
	const node = nodeOf('By Hand', async (context) => {
		const output: Items = [];
		await slide([...items.keys()], width, async (index) => {
			output[index] = await transfer(context, index);
		});
		return output;
	});
	try {
		return await run(node, {}, items);
	} finally {
		await dispatcher.close();
	}
}

/** Gives back the file that it is given. */
export const FILE_APP = 'sandbox/file-info';
/** Gives a file of any size. */
export const LARGE_FILE_APP = 'sandbox/large-file';

/** Uploads the file of each item. */
export const UPLOAD: INodeParameters = {
	binaryFiles: { values: [{ field: 'file', binaryProperty: 'data' }] },
};
/** Downloads the files of each output. */
export const DOWNLOAD: INodeParameters = { downloadFiles: true };
