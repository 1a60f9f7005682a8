import { letGo, readRefusal } from '../transport/body';
import { Deadline } from '../util/deadline';
import { PermissionError } from '../errors';
import { asJsonObject, textOf } from '../util/json';
import { outcomeOf } from '../util/outcome';
import { listIn } from '../api/paging';
import { readyToCreate, retrying } from '../api/retry';
import {
	inTransfers,
	isForPublicHosts,
	StreamWatch,
	transferBroken,
	transferRefused,
	type TransferContext,
} from './transfer';
import { untilHandles } from '../transport/connectionLimits';
import { asTransportError, type Readable } from '../transport/transport';
import { parseHttpUrl } from '../util/url';
import { USER_AGENT } from '../util/version';

/** A file to be uploaded. */
export interface UploadSource {
	readonly filename: string;
	readonly contentType: string;
	/** Bytes; exactly what `open` gives. */
	readonly size: number;
	/** The content from its first byte; called for each attempt. */
	open(): Promise<Uint8Array | Readable>;
}

/** A file that the service has, in the words of its inputs (API notes 5.1 and 6.1). */
export interface UploadedFile {
	/** By which it is read and deleted; undefined if the service has not told it. */
	readonly id: string | undefined;
	readonly uri: string;
	readonly filename: string;
	readonly content_type: string;
	readonly size: number;
}

/** Bytes in one piece are given time for this many in a millisecond, beside that for an answer. */
const SLOWEST_BYTES_PER_MS = 32;

/**
 * Uploads a file: asks the service for a place, then puts the bytes there (API notes 6.1). Both may
 * be repeated: a place nobody fills costs nothing, and the same bytes end up in the same place.
 *
 * @throws InferenceError of the last attempt; the abort reason; what `source.open` throws
 */
export async function uploadFile(
	source: UploadSource,
	context: TransferContext,
): Promise<UploadedFile> {
	// A refusal that another item has met holds for the task that needs the file.
	await readyToCreate(context);
	for (let renewed = false; ; renewed = true) {
		const place = await retrying(async () => await askForPlace(source, context), context);
		const sent = await outcomeOf(
			retrying(async () => await putInTurn(source, place.uploadUrl, context), context),
		);
		if (sent.ok) {
			const { filename, contentType: content_type, size } = source;
			return { id: place.id, uri: place.uri, filename, content_type, size };
		}
		// Storage says 403 to a URL that has expired, for example while other attempts failed.
		if (renewed || !(sent.error instanceof PermissionError)) throw sent.error;
	}
}

interface Place {
	readonly id: string | undefined;
	readonly uri: string;
	readonly uploadUrl: string;
}

async function askForPlace(source: UploadSource, context: TransferContext): Promise<Place> {
	const { filename, contentType: content_type, size } = source;
	const { api, signal } = context;
	const call = {
		method: 'POST',
		path: '/files',
		body: { files: [{ uri: '', filename, content_type, size }] },
		signal,
	} as const;
	const reply = await api.send(call);
	const [file = {}] = listIn(reply.value) ?? [asJsonObject(reply.value)];
	const uri = textOf(file['uri']);
	const uploadUrl = textOf(file['upload_url']);
	if (uri === undefined || uploadUrl === undefined || !parseHttpUrl(uploadUrl)) {
		throw api.unexpected(call, reply);
	}
	return { id: textOf(file['id']), uri, uploadUrl };
}

async function putInTurn(
	source: UploadSource,
	url: string,
	context: TransferContext,
): Promise<void> {
	const once = async () => await put(source, url, context);
	await inTransfers(context.signal, async () => await untilHandles(once, context));
}

async function put(source: UploadSource, url: string, context: TransferContext): Promise<void> {
	const { transport, signal, timings, clock, quiet, api } = context;
	const what = `The upload of ${JSON.stringify(source.filename)} to ${new URL(url).host}`;
	const body = await source.open();
	const inOnePiece = body instanceof Uint8Array;
	using scope = new Deadline(signal);
	using watch = inOnePiece
		? undefined
		: new StreamWatch(body, {
				scope,
				clock,
				quiet,
				silenceMs: timings.headersMs,
				size: source.size,
			});
	const sent = await outcomeOf(
		transport.request({
			method: 'PUT',
			url,
			headers: {
				'Content-Type': source.contentType,
				'Content-Length': String(source.size),
				'User-Agent': USER_AGENT,
			},
			body,
			signal: scope.signal,
			headersTimeoutMs: timings.submitMs + (inOnePiece ? source.size / SLOWEST_BYTES_PER_MS : 0),
			silenceMs: timings.headersMs,
			purpose: 'transfer',
			publicOnly: isForPublicHosts(url, context),
		}),
	);
	signal.throwIfAborted();
	if (!sent.ok) throw transferBroken(what, asTransportError(watch?.failure ?? sent.error));
	const { status } = sent.value;
	if (status >= 200 && status < 300) return letGo(sent.value.body);
	const text = await outcomeOf(readRefusal(sent.value));
	signal.throwIfAborted();
	throw transferRefused(what, sent.value, text.ok ? api.clean(text.value) : '', clock);
}
