/** File records, the presigned upload and the public downloads. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { data, notFound, problem, type Answer } from '../http/answers.mts';
import { newId } from '../util/ids.mts';
import { cursorList } from '../http/lists.mts';
import type { Call, Route } from '../http/routes.mts';
import type { JobFiles, SandboxFileView } from '../types.mts';
import { asArray, asRecord, text } from '../util/values.mts';

export const TEAM_ID = '65hmp52a0000000000000team';
const TEAM_PATH = '65hmp52a';
/** Larger files go to disk, so that transfers of any size cost the test process no memory. */
const IN_MEMORY_LIMIT = 4 * 1024 * 1024;
const SYNTHETIC_CHUNK = 64 * 1024;
/** The bytes of a synthetic file: the same chunk over and over. */
const SYNTHETIC = Buffer.alloc(SYNTHETIC_CHUNK, 'abcdefghijklmnopqrstuvwxyz012345');

const EXTENSIONS: Readonly<Record<string, string>> = {
	'image/png': 'png',
	'image/jpeg': 'jpg',
	'video/mp4': 'mp4',
	'audio/wav': 'wav',
	'application/pdf': 'pdf',
	'text/plain': 'txt',
	'application/json': 'json',
};

type Content =
	| { readonly kind: 'memory'; readonly bytes: Buffer }
	| { readonly kind: 'disk'; readonly path: string }
	| { readonly kind: 'synthetic' };

interface StoredFile {
	readonly id: string;
	readonly path: string;
	readonly filename: string;
	readonly contentType: string;
	readonly category: string;
	readonly createdAt: number;
	/** Undefined if nobody has said it before the upload. */
	size: number | undefined;
	sha256: string;
	content: Content | undefined;
}

/** The hash of a synthetic file. */
export function syntheticSha256(size: number): string {
	const hash = createHash('sha256');
	for (let left = size; left > 0; left -= SYNTHETIC_CHUNK) {
		hash.update(left >= SYNTHETIC_CHUNK ? SYNTHETIC : SYNTHETIC.subarray(0, left));
	}
	return hash.digest('hex');
}

function xmlError(status: number, code: string, message: string): Answer {
	return {
		kind: 'raw',
		status,
		contentType: 'application/xml',
		body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
	};
}

async function* syntheticBytes(size: number): AsyncGenerator<Buffer> {
	for (let left = size; left > 0; left -= SYNTHETIC_CHUNK) {
		yield left >= SYNTHETIC_CHUNK ? SYNTHETIC : SYNTHETIC.subarray(0, left);
	}
}

export class FileStore implements JobFiles {
	private readonly byId = new Map<string, StoredFile>();
	private readonly byPath = new Map<string, StoredFile>();
	private readonly baseUrl: () => string;
	private readonly clock: (epochMs: number) => string;
	private readonly violate: (what: string) => void;
	private readonly apiKey: string;
	private directory: string | undefined;

	constructor(
		baseUrl: () => string,
		clock: (epochMs: number) => string,
		violate: (what: string) => void,
		apiKey: string,
	) {
		this.baseUrl = baseUrl;
		this.clock = clock;
		this.violate = violate;
		this.apiKey = apiKey;
	}

	/** Every file whose content has arrived or was made, in the order of their records. */
	all(): SandboxFileView[] {
		return [...this.byId.values()].flatMap((file) => {
			const { id, content, contentType, filename, sha256, size = 0 } = file;
			if (!content) return [];
			const hash = content.kind === 'synthetic' ? syntheticSha256(size) : sha256;
			return [{ id, uri: this.uri(file), filename, contentType, size, sha256: hash }];
		});
	}

	publish(bytes: Uint8Array, contentType: string, extension: string): string {
		return this.uri(this.fill(this.add(contentType, '', extension), bytes));
	}

	/** Adds a text file that has been there for a while. */
	addOld(filename: string, ageMs: number): string {
		const file = this.add('text/plain', filename, 'txt', '', Date.now() - ageMs);
		return this.fill(file, Buffer.from(filename)).id;
	}

	publishSynthetic(size: number, contentType: string, extension: string): string {
		const file = this.add(contentType, '', extension);
		file.content = { kind: 'synthetic' };
		file.size = size;
		return this.uri(file);
	}

	describe(uri: string): ReturnType<JobFiles['describe']> {
		const base = this.baseUrl();
		const file = uri.startsWith(base) ? this.byPath.get(uri.slice(base.length)) : undefined;
		if (!file?.content) return undefined;
		const { size = 0, contentType, filename, sha256 } = file;
		return { size, contentType, filename, sha256 };
	}

	/** Forgets every file. */
	clear(): void {
		this.byId.clear();
		this.byPath.clear();
		if (this.directory !== undefined) rmSync(this.directory, { recursive: true, force: true });
		this.directory = undefined;
	}

	private fill(file: StoredFile, bytes: Uint8Array): StoredFile {
		file.content = { kind: 'memory', bytes: Buffer.from(bytes) };
		file.size = bytes.byteLength;
		file.sha256 = createHash('sha256').update(bytes).digest('hex');
		return file;
	}

	private add(
		contentType: string,
		filename: string,
		extension: string,
		category = '',
		createdAt = Date.now(),
	): StoredFile {
		const id = newId();
		const path = `/app/files/t/${TEAM_PATH}/${id}.${extension}`;
		const file: StoredFile = {
			id,
			path,
			filename: filename === '' ? `${id}.${extension}` : filename,
			contentType,
			category,
			createdAt,
			size: undefined,
			sha256: '',
			content: undefined,
		};
		this.byId.set(id, file);
		this.byPath.set(path, file);
		return file;
	}

	private uri(file: StoredFile): string {
		return this.baseUrl() + file.path;
	}

	private dto(file: StoredFile): Record<string, unknown> {
		const at = this.clock(file.createdAt);
		return {
			id: file.id,
			created_at: at,
			updated_at: at,
			user_id: 'user_sandbox',
			team_id: TEAM_ID,
			visibility: 'private',
			path: file.path.slice(1),
			remote_path: file.path.slice('/app/files/'.length),
			upload_url: file.content
				? ''
				: `${this.baseUrl()}/uploads/${file.id}?X-Amz-Signature=${file.id}&X-Amz-Expires=900`,
			uri: this.uri(file),
			content_type: file.contentType,
			size: file.size ?? 0,
			filename: file.filename,
			category: file.category,
			rating: 'safe',
		};
	}

	private create(call: Call): Answer {
		const body = asRecord(call.body);
		const requested = asArray(body['files']);
		if (requested.length === 0) {
			return problem(422, 'validation_failed', 'files is required');
		}
		const category = text(body['category']);
		const created = requested.map((entry) => {
			const record = asRecord(entry);
			const contentType = text(record['content_type'], 'application/octet-stream');
			const filename = text(record['filename']);
			const dot = filename.lastIndexOf('.');
			const extension =
				dot > 0 ? filename.slice(dot + 1).toLowerCase() : (EXTENSIONS[contentType] ?? 'bin');
			const file = this.add(contentType, filename, extension.replace(/\W/g, ''), category);
			if (typeof record['size'] === 'number') file.size = record['size'];
			return this.dto(file);
		});
		return data(created);
	}

	/** Object storage: knows signatures, not API keys. */
	private async upload(call: Call): Promise<Answer> {
		const file = this.byId.get(call.params['id'] ?? '');
		const { headers } = call;
		if (this.betraysKey(call))
			return xmlError(403, 'AccessDenied', 'Only one auth mechanism allowed');
		if (!file || !call.query.includes(`X-Amz-Signature=${file.id}`)) {
			return xmlError(403, 'AccessDenied', 'Access Denied');
		}
		if (headers['content-length'] === undefined || headers['transfer-encoding'] !== undefined) {
			this.violate(`PUT ${call.path}: no Content-Length`);
			return xmlError(411, 'MissingContentLength', 'You must provide the Content-Length header.');
		}
		if (headers['content-type'] !== file.contentType) {
			this.violate(
				`PUT ${call.path}: Content-Type ${headers['content-type']} instead of ${file.contentType}`,
			);
			return xmlError(403, 'SignatureDoesNotMatch', 'The request signature does not match.');
		}
		const length = Number(headers['content-length']);
		if (file.size !== undefined && length !== file.size) {
			this.violate(`PUT ${call.path}: ${length} bytes instead of ${file.size}`);
			return xmlError(403, 'SignatureDoesNotMatch', 'The request signature does not match.');
		}
		await this.receive(file, call.request, length);
		return {
			kind: 'raw',
			status: 200,
			body: '',
			contentType: 'application/xml',
			headers: { etag: `"${file.sha256.slice(0, 32)}"` },
		};
	}

	/** Neither in a header nor in the URL may storage see the key. */
	private betraysKey({ method, path, query, headers }: Call): boolean {
		const sent = JSON.stringify([headers, path, query]);
		const betrays = headers['authorization'] !== undefined || sent.includes(this.apiKey);
		if (betrays) this.violate(`${method} ${path}: the API key was sent to storage`);
		return betrays;
	}

	private async receive(file: StoredFile, source: IncomingMessage, size: number): Promise<void> {
		const hash = createHash('sha256');
		if (size > IN_MEMORY_LIMIT) {
			this.directory ??= mkdtempSync(join(tmpdir(), 'sandbox-files-'));
			const path = join(this.directory, file.id);
			source.on('data', (chunk: Buffer) => hash.update(chunk));
			await pipeline(source, createWriteStream(path));
			file.content = { kind: 'disk', path };
		} else {
			const bytes = Buffer.concat((await source.toArray()) as Buffer[]);
			hash.update(bytes);
			file.content = { kind: 'memory', bytes };
		}
		file.size = size;
		file.sha256 = hash.digest('hex');
	}

	private download(call: Call): Answer {
		if (this.betraysKey(call)) {
			return xmlError(400, 'InvalidArgument', 'Only one auth mechanism allowed');
		}
		const file = this.byPath.get(call.path);
		if (!file?.content) return xmlError(404, 'NoSuchKey', 'The specified key does not exist.');
		const { contentType, content, size = 0 } = file;
		const headers = { 'content-length': String(size), 'accept-ranges': 'bytes' };
		if (call.method === 'HEAD') {
			return { kind: 'raw', status: 200, body: '', contentType, headers };
		}
		const body =
			content.kind === 'memory'
				? content.bytes
				: content.kind === 'disk'
					? createReadStream(content.path)
					: Readable.from(syntheticBytes(size), { objectMode: false });
		return { kind: 'raw', status: 200, body, contentType, headers };
	}

	routes(): Route[] {
		const one = (call: Call): StoredFile | undefined => this.byId.get(call.params['id'] ?? '');
		return [
			{ method: 'POST', url: '/files', handle: (call) => this.create(call) },
			{
				method: 'POST',
				url: '/files/list',
				handle: (call) =>
					cursorList(this.byId.values(), call.body, {
						id: (file) => file.id,
						row: (file) => this.dto(file),
						dto: (file) => this.dto(file),
						text: (file) => file.filename,
					}),
			},
			{
				method: 'GET',
				url: '/files/:id',
				handle: (call) => {
					const file = one(call);
					return file ? data(this.dto(file)) : notFound('file');
				},
			},
			{
				method: 'DELETE',
				url: '/files/:id',
				handle: (call) => {
					const file = one(call);
					if (!file) return notFound('file');
					this.byId.delete(file.id);
					this.byPath.delete(file.path);
					return { kind: 'empty', status: 204 };
				},
			},
			{
				method: 'PUT',
				url: '/uploads/:id',
				service: 'storage',
				handle: (call) => this.upload(call),
			},
			{
				method: 'GET',
				url: '/app/files/*',
				service: 'storage',
				handle: (call) => this.download(call),
			},
			{
				method: 'HEAD',
				url: '/app/files/*',
				service: 'storage',
				handle: (call) => this.download(call),
			},
		];
	}
}
