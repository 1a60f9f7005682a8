import { isStream, TransportError, type Readable } from './transport';

/** So many pieces wait to be read: the network goes on while one is written. */
const MOST_WAITING = 4;

/**
 * A stream's pieces as they arrive, at the pace at which they are read. Iterated by itself, a Node.js
 * stream joins those that wait into a new one: twice the bytes outside of the heap, for which V8 looks
 * through all of a large heap twice as often.
 */
export function piecesOf(stream: Readable): AsyncIterable<Uint8Array> {
	let isOver = false;
	return new ReadableStream<Uint8Array>(
		{
			start: (controller) => {
				// Streams of Node.js may go on for a moment after they have been destroyed.
				stream.on('data', (piece: Uint8Array) => {
					if (stream.destroyed) return;
					controller.enqueue(piece);
					if ((controller.desiredSize ?? 0) <= 0) stream.pause();
				});
				stream.on('end', () => {
					if (stream.destroyed) return;
					isOver = true;
					controller.close();
				});
				stream.on('error', (error) => controller.error(error));
				stream.on('close', () => {
					if (!isOver) controller.error(new Error('the stream was closed'));
				});
			},
			pull: () => void stream.resume(),
			cancel: () => void stream.destroy(),
		},
		{ highWaterMark: MOST_WAITING },
	);
}

/**
 * A Node.js stream that gives pieces one by one as they are: of another stream's class, because their
 * module may not be imported.
 *
 * @throws TransportError if that class cannot make one
 */
export function readableLike(stream: Readable, pieces: AsyncIterable<Uint8Array>): Readable {
	const from: unknown = Reflect.get(stream.constructor, 'from');
	// A stream of bytes would join them.
	const made: unknown =
		typeof from === 'function' && Reflect.apply(from, undefined, [pieces, { objectMode: true }]);
	if (!isStream(made)) {
		throw new TransportError('what has arrived cannot be read', true, undefined);
	}
	// An error that nobody listens to any more would end the process.
	made.on('error', () => {});
	return made;
}
