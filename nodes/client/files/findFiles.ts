import { isJsonObject, textOf, type JsonObject } from '../util/json';
import { parseHttpUrl } from '../util/url';
import { OutputSchema, type SchemaPlace } from './outputSchema';

/** A file that a task's output names. */
export interface OutputFile {
	/** Keys and list indices that lead to it; none if it is the output itself. */
	readonly path: readonly string[];
	/** As it is written there. */
	readonly url: string;
	/** What the output says of it, if it does. */
	readonly filename: string | undefined;
	readonly contentType: string | undefined;
}

export interface FindOptions {
	/** Schema of the output, if it is known. */
	readonly schema?: JsonObject | undefined;
	/** Where the service is. */
	readonly baseUrl: string;
}

/** Where the service keeps files, on the API's host or another one of its domain (API notes 6.3). */
const STORAGE_PATH = '/app/files/';
const STORAGE_DOMAIN = '.inference.sh';
/** An object that has nothing but these describes a file (API notes 6.1 and 6.3). */
const FILE_KEYS = new Set(
	'uri id path remote_path content_type size filename category metadata'.split(' '),
);
/** An object with a URL and one of these describes a file; without, it may be any link. */
const FILE_SIGNS = ['content_type', 'mime_type', 'filename'];

/** Levels of an output: nobody puts files deeper, and nobody could read what leads there. */
const DEEPEST = 200;

/** A list or object that is being looked through. */
interface Container {
	readonly values: readonly unknown[];
	/** The names of the values; undefined in a list. */
	readonly names: readonly string[] | undefined;
	readonly schema: SchemaPlace;
	/** Where it is; undefined for the output itself. */
	readonly outer: Container | undefined;
	readonly depth: number;
	/** Values that have been looked at. */
	done: number;
}

/** Keys and list indices that lead to what was looked at last. */
function pathOf(container: Container | undefined): readonly string[] {
	const path: string[] = [];
	for (let at = container; at; at = at.outer) {
		path.push(at.names?.[at.done - 1] ?? String(at.done - 1));
	}
	return path.reverse();
}

/**
 * Finds the files in an output: where its schema declares them, and besides by their shape, down to
 * 200 levels. A URL that occurs several times is one file, at its first place. It takes time with the size
 * of the output, and nothing in it is recursive.
 */
export function findFiles(output: unknown, options: FindOptions): readonly OutputFile[] {
	const found = new Map<string, OutputFile>();
	const schema = new OutputSchema(options.schema ?? {});
	const apiHost = parseHttpUrl(options.baseUrl)?.host;

	function add(text: string, container: Container | undefined, facts: JsonObject): void {
		const key = parseHttpUrl(text)?.href ?? text;
		if (found.has(key)) return;
		const filename = textOf(facts['filename']);
		const contentType = textOf(facts['content_type']) ?? textOf(facts['mime_type']);
		found.set(key, { path: pathOf(container), url: text, filename, contentType });
	}

	function isStored({ host, hostname, pathname }: URL): boolean {
		return (
			pathname.startsWith(STORAGE_PATH) && (host === apiHost || hostname.endsWith(STORAGE_DOMAIN))
		);
	}

	/** What is declared of the value that is looked at. */
	const placeOf = (container: Container | undefined): SchemaPlace =>
		container
			? schema.inside(container.schema, container.names?.[container.done - 1])
			: schema.whole;

	/** Looks at a value in a container. Returns what has to be looked through next. */
	function visit(value: unknown, container: Container | undefined): Container | undefined {
		if (typeof value === 'string') {
			const url = parseHttpUrl(value);
			if (url && (isStored(url) || placeOf(container).declaresFile)) add(value, container, {});
			return container;
		}
		if (typeof value !== 'object' || value === null) return container;
		const place = placeOf(container);
		if (isJsonObject(value)) {
			const text = textOf(value['uri']) ?? textOf(value['url']) ?? '';
			if (parseHttpUrl(text) && (place.declaresFile || describesFile(value))) {
				add(text, container, value);
				return container;
			}
		}
		const depth = container ? container.depth + 1 : 0;
		if (depth >= DEEPEST) return container;
		const names = isJsonObject(value) ? Object.keys(value) : undefined;
		const values: readonly unknown[] = Object.values(value);
		return { values, names, schema: place, outer: container, depth, done: 0 };
	}

	let container = visit(output, undefined);
	while (container) {
		const { values, done, outer } = container;
		if (done === values.length) {
			container = outer;
			continue;
		}
		container.done += 1;
		container = visit(values[done], container);
	}
	return [...found.values()];
}

function describesFile(value: JsonObject): boolean {
	if (FILE_SIGNS.some((key) => textOf(value[key]) !== undefined)) return true;
	return Object.keys(value).every((key) => FILE_KEYS.has(key));
}
