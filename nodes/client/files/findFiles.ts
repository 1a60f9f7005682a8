import { isJsonObject, listOf, textOf, type JsonObject } from '../util/json';
import { parseHttpUrl } from '../util/url';

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
/** Levels of an output: nobody puts files deeper, and the stack ends somewhere. */
const DEEPEST = 200;
/** An object with a URL and one of these describes a file; without, it may be any link. */
const FILE_SIGNS = ['content_type', 'mime_type', 'filename'];

/**
 * Finds the files in an output: where its schema declares them, and besides by their shape, down to
 * 200 levels. A URL that occurs several times is one file, at its first place.
 */
export function findFiles(output: unknown, options: FindOptions): readonly OutputFile[] {
	const found = new Map<string, OutputFile>();
	const root = options.schema ?? {};
	const apiHost = parseHttpUrl(options.baseUrl)?.host;

	function add(text: string, path: readonly string[], facts: JsonObject): void {
		const key = parseHttpUrl(text)?.href ?? text;
		if (found.has(key)) return;
		const filename = textOf(facts['filename']);
		const contentType = textOf(facts['content_type']) ?? textOf(facts['mime_type']);
		found.set(key, { path, url: text, filename, contentType });
	}

	function isStored({ host, hostname, pathname }: URL): boolean {
		return (
			pathname.startsWith(STORAGE_PATH) && (host === apiHost || hostname.endsWith(STORAGE_DOMAIN))
		);
	}

	function visit(value: unknown, schemas: readonly JsonObject[], path: readonly string[]): void {
		if (path.length > DEEPEST) return;
		const declared = schemas.some(declaresFile);
		if (typeof value === 'string') {
			const url = parseHttpUrl(value);
			if (url && (declared || isStored(url))) add(value, path, {});
		} else if (Array.isArray(value)) {
			value.forEach((element: unknown, index) =>
				visit(element, inner(schemas, index, root), [...path, String(index)]),
			);
		} else if (isJsonObject(value)) {
			const text = textOf(value['uri']) ?? textOf(value['url']) ?? '';
			if (parseHttpUrl(text) && (declared || describesFile(value))) add(text, path, value);
			else {
				for (const [key, element] of Object.entries(value)) {
					visit(element, inner(schemas, key, root), [...path, key]);
				}
			}
		}
	}

	visit(output, alternatives([root], root), []);
	return [...found.values()];
}

function describesFile(value: JsonObject): boolean {
	if (FILE_SIGNS.some((key) => textOf(value[key]) !== undefined)) return true;
	return Object.keys(value).every((key) => FILE_KEYS.has(key));
}

/** Current schemas mark the string, older ones refer to a definition called File (API notes 7.5). */
function declaresFile(schema: JsonObject): boolean {
	if (schema['format'] === 'file' || schema['$id'] === '/schemas/File') return true;
	const { title, properties, $ref: reference } = schema;
	if (/\/File$/.test(textOf(reference) ?? '')) return true;
	return title === 'File' && isJsonObject(properties) && 'uri' in properties;
}

/**
 * Schemas with everything that they refer to and every branch of their unions. Each one only once:
 * schemas may refer to themselves.
 */
function alternatives(schemas: readonly unknown[], root: JsonObject): readonly JsonObject[] {
	const all = new Set<JsonObject>();
	const add = (schema: unknown): void => {
		if (!isJsonObject(schema) || all.has(schema)) return;
		all.add(schema);
		for (const key of ['anyOf', 'oneOf', 'allOf']) listOf(schema[key]).forEach(add);
		const reference = textOf(schema['$ref']);
		if (reference !== undefined) add(resolve(reference, root));
	};
	schemas.forEach(add);
	return [...all];
}

/** What a reference inside the document points to; by hand, because `$id`s mislead resolvers. */
function resolve(reference: string, root: JsonObject): unknown {
	return reference
		.split('/')
		.slice(1)
		.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
		.reduce<unknown>((at, key) => (isJsonObject(at) ? at[key] : undefined), root);
}

/** Schemas of an element of a list, or of a field of an object. */
function inner(
	schemas: readonly JsonObject[],
	key: string | number,
	root: JsonObject,
): readonly JsonObject[] {
	const inside = schemas.map((schema) => {
		if (typeof key === 'number') return schema['items'];
		const { properties, additionalProperties } = schema;
		const own = isJsonObject(properties) && Object.hasOwn(properties, key);
		return own ? properties[key] : additionalProperties;
	});
	return alternatives(inside, root);
}
