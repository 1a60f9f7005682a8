import type { CancelSignal } from '../util/cancelSignal';
import { Deadline } from '../util/deadline';
import { ProtocolError, StoppedError, ValidationError, type InferenceError } from '../errors';
import { outcomeOf } from '../util/outcome';
import { retrying } from '../api/retry';
import {
	inTransfers,
	isForPublicHosts,
	StreamWatch,
	transferBroken,
	transferRefused,
	type TransferContext,
} from './transfer';
import { compressionsOf, decompressedStream } from '../transport/decompression';
import { piecesOf, readableLike } from '../transport/pieces';
import { wireText } from '../transport/headers';
import { asTransportError, type Readable, type StreamedResponse } from '../transport/transport';
import { decodedPart, parseHttpUrl } from '../util/url';
import { USER_AGENT } from '../util/version';

/** A file that is arriving. */
export interface IncomingFile {
	readonly stream: Readable;
	/** What the answer says of itself, without parameters such as the character set. */
	readonly contentType: string | undefined;
	/** From the answer, or from the URL. */
	readonly filename: string | undefined;
}

export interface DownloadOptions {
	readonly signal: CancelSignal;
	/** A larger file is refused; undefined for no limit. */
	readonly maxBytes: number | undefined;
}

/** Bytes. */
export const MB = 1024 * 1024;
const MOST_REDIRECTS = 5;
/** No key and nothing else that says whose files they are: any host may be behind a URL. */
const HEADERS = { Accept: '*/*', 'Accept-Encoding': 'identity', 'User-Agent': USER_AGENT };

/**
 * Downloads a file from any host, as a stream.
 *
 * @param store reads the stream to its end; called for each attempt
 * @throws InferenceError of the last attempt; the abort reason; what `store` throws
 */
export async function downloadFile<T>(
	url: string,
	options: DownloadOptions,
	store: (file: IncomingFile) => Promise<T>,
	base: TransferContext,
): Promise<T> {
	const { signal } = options;
	const context = { ...base, signal };
	const inTurn = async () => {
		return await inTransfers(signal, async () => await attempt(url, options, store, context));
	};
	return await retrying(inTurn, context);
}

async function attempt<T>(
	start: string,
	{ signal, maxBytes }: DownloadOptions,
	store: (file: IncomingFile) => Promise<T>,
	context: TransferContext,
): Promise<T> {
	const { clock, quiet, timings } = context;
	const opened = await openThroughRedirects(start, context);
	using scope = opened.scope;
	const { response, url } = opened;
	const { headers, stream } = response;
	const what = `The download from ${url.host}`;
	const tooLarge = () =>
		new ValidationError(`${what} was refused: the file is larger than ${(maxBytes ?? 0) / MB} MB`);
	const length = headers.get('content-length');
	const size = length === undefined ? undefined : Number(length);
	const onBytes = (total: number): void => {
		if (maxBytes !== undefined && total > maxBytes) watch.end(tooLarge());
	};
	// Whether all of it has come, HTTP itself tells; what is left without compression has another size.
	using watch: StreamWatch = new StreamWatch(stream, {
		scope,
		clock,
		quiet,
		silenceMs: timings.headersMs,
		onBytes,
	});
	if (response.status < 200 || response.status > 299) {
		throw transferRefused(what, response, '', clock);
	}
	if (maxBytes !== undefined && size !== undefined && size > maxBytes) throw tooLarge();
	const contentType = headers.get('content-type')?.split(';')[0]?.trim();
	const filename = fileName(wireText(headers.get('content-disposition')), url);
	// Some files are kept compressed and sent so, whatever is asked for.
	const codings = compressionsOf(response);
	const plain =
		codings.length === 0
			? readableLike(stream, piecesOf(stream))
			: decompressedStream(stream, codings, watch, onBytes);
	const stored = await outcomeOf(store({ stream: plain, contentType, filename }));
	signal.throwIfAborted();
	const { failure } = watch;
	if (failure instanceof ValidationError) throw failure;
	if (failure) throw transferBroken(what, asTransportError(failure));
	if (!stored.ok) throw stored.error;
	return stored.value;
}

/** Gets a URL, through redirects; each of them is a request of its own, checked like the first. */
async function openThroughRedirects(
	start: string,
	context: TransferContext,
): Promise<{ response: StreamedResponse; url: URL; scope: Deadline }> {
	const { transport, signal, timings } = context;
	let url = withoutSecrets(start);
	for (let redirects = 0; url; redirects += 1) {
		const what = `The download from ${url.host}`;
		const scope = new Deadline(signal);
		const opened = await outcomeOf(
			transport.open({
				method: 'GET',
				url: url.href,
				headers: HEADERS,
				signal: scope.signal,
				headersTimeoutMs: timings.headersMs,
				silenceMs: timings.headersMs,
				purpose: 'transfer',
				publicOnly: isForPublicHosts(url.href, context),
			}),
		);
		const response = opened.ok ? opened.value : undefined;
		const location = wireText(response?.headers.get('location'));
		const redirected = /^3/.test(String(response?.status)) && location !== '';
		if (response && !redirected) return { response, url, scope };
		scope.abort(new StoppedError('is not needed'));
		scope[Symbol.dispose]();
		signal.throwIfAborted();
		if (!opened.ok) throw transferBroken(what, asTransportError(opened.error));
		if (redirects === MOST_REDIRECTS) throw lost(`is redirected more than ${redirects} times`);
		const { protocol } = url;
		url = URL.canParse(location, url.href)
			? withoutSecrets(new URL(location, url.href).href)
			: undefined;
		if (protocol === 'https:' && url?.protocol === 'http:') {
			throw new ValidationError(`${what} was refused: it is redirected from https to http`);
		}
	}
	throw lost('leads to something that is no http or https URL');

	function lost(problem: string): InferenceError {
		return new ProtocolError(`The download from ${new URL(start).host} ${problem}`);
	}
}

/** A URL without user name, password and fragment; undefined if it is not for the web. */
function withoutSecrets(text: string): URL | undefined {
	const url = parseHttpUrl(text);
	if (url) Object.assign(url, { username: '', password: '', hash: '' });
	return url;
}

/** The file's name by Content-Disposition (RFC 6266), else the last part of the path. */
function fileName(disposition: string, url: URL): string {
	const [, charset = '', encoded = ''] =
		/filename\*\s*=\s*"?([\w-]+)'[^']*'([^;\s"]+)/i.exec(disposition) ?? [];
	const plain = /(?:^|;)\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]+))/i.exec(disposition);
	const named = plain?.[1]?.replace(/\\(.)/g, '$1') ?? plain?.[2]?.replace(/^"/, '').trim();
	return (
		decodedPart(encoded, charset) ||
		decodedPart(named ?? '') ||
		decodedPart(url.pathname.slice(url.pathname.lastIndexOf('/') + 1))
	);
}
