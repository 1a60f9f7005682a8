import type { Dispatcher } from 'undici';
import { isJsonObject } from '../util/json';
import { hostModule } from './hostModule';

/** What compressed bytes are written to and plain ones read from. */
export interface Decompressor {
	readonly readable: ReadableStream<Uint8Array>;
	readonly writable: WritableStream<Uint8Array>;
}

type Decompressing = Pick<typeof import('undici'), 'interceptors'>;

function canDecompress(undici: unknown): undici is Decompressing {
	if (!isJsonObject(undici) || !isJsonObject(undici['interceptors'])) return false;
	return typeof undici['interceptors']['decompress'] === 'function';
}

/** The answer whose bytes come: what holds them up waits for `flowing`. */
class Source implements Dispatcher.DispatchController {
	readonly rawHeaders = null;
	readonly rawTrailers = null;
	aborted = false;
	reason: Error | null = null;
	flowing: Promise<void> | undefined;
	private flow = (): void => {};

	constructor(private readonly onAbort: (reason: Error) => void) {}

	get paused(): boolean {
		return this.flowing !== undefined;
	}

	pause(): void {
		this.flowing ??= new Promise((resolve) => (this.flow = resolve));
	}

	resume(): void {
		this.flowing = undefined;
		this.flow();
	}

	abort(reason: Error): void {
		if (this.aborted) return;
		this.aborted = true;
		this.reason = reason;
		this.onAbort(reason);
		this.resume();
	}
}

/**
 * A decompressor of the host's undici. It has zstd where Node.js has it, and brotli everywhere, which
 * `DecompressionStream` has not (undici ≥ 7.15, `interceptors.decompress`).
 *
 * @returns undefined if the host cannot read this coding
 */
export function hostDecompressor(coding: string): Decompressor | undefined {
	const undici = hostModule('undici');
	if (!canDecompress(undici)) return undefined;
	let decoder: Dispatcher.DispatchHandler = {};
	let isKnown = false;
	const source = new Source((reason) => decoder.onResponseError?.(source, reason));
	/** What the plain bytes are held up by. */
	let plain: Dispatcher.DispatchController = source;
	const readable = new ReadableStream<Uint8Array>(
		{
			start(controller) {
				const dispatch = undici.interceptors.decompress()((_options, handler) => {
					decoder = handler;
					return true;
				});
				dispatch(
					{ path: '/', method: 'GET' },
					{
						onRequestStart: (given) => void (plain = given),
						onResponseStart: (_given, _status, headers) => {
							isKnown = headers['content-encoding'] === undefined;
						},
						onResponseData: (_given, piece) => {
							controller.enqueue(piece);
							if ((controller.desiredSize ?? 0) <= 0) plain.pause();
						},
						onResponseEnd: () => controller.close(),
						onResponseError: (_given, error) => controller.error(error),
					},
				);
			},
			pull: () => plain.resume(),
			cancel: () => source.abort(new Error('the rest is not needed')),
		},
		{ highWaterMark: 1 },
	);
	decoder.onRequestStart?.(source, {});
	decoder.onResponseStart?.(source, 200, { 'content-encoding': coding }, '');
	if (!isKnown) return undefined;
	const writable = new WritableStream<Uint8Array>({
		write: async (piece) => {
			decoder.onResponseData?.(source, Buffer.from(piece));
			await source.flowing;
			if (source.reason) throw source.reason;
		},
		close: () => decoder.onResponseEnd?.(source, {}),
		abort: (reason) => source.abort(reason instanceof Error ? reason : new Error(String(reason))),
	});
	return { readable, writable };
}
