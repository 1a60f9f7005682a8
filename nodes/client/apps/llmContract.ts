import { functionOf, type AppInfo } from './appInfo';
import { readForm, type FieldKind } from './inputSchema';
import { isJsonObject } from '../util/json';

type Fields = ReadonlyMap<string, FieldKind>;

/** What an app takes that speaks the platform's contract of language models (API notes 7.6). */
export interface LlmContract {
	/** The fields of its input by their names. */
	readonly input: Fields;
	/** The fields of an entry of `context`; undefined if the schema does not tell. */
	readonly message: Fields | undefined;
	/** How many tokens it takes into account, as far as its schema tells. */
	readonly contextSize: number | undefined;
}

/** The fields that every app has which speaks the contract. */
const INPUT = 'text';
const OUTPUT = 'response';

/**
 * Reads from an app's schemas what a conversation with it may consist of.
 *
 * @param name the function, undefined for the default one
 * @returns undefined if it is no language model
 */
export function llmContractOf(app: AppInfo, name: string | undefined): LlmContract | undefined {
	const entry = functionOf(app, name);
	if (!entry?.input || entry.streams) return undefined;
	const properties = entry.output?.['properties'];
	if (isJsonObject(properties) && !(OUTPUT in properties)) return undefined;
	const { fields } = readForm(entry.input);
	const input = new Map(fields.map(({ id, kind }) => [id, kind]));
	if (!input.has(INPUT)) return undefined;
	const size = fields.find(({ id }) => id === 'context_size')?.default;
	return {
		input,
		message: messageFields(input.get('context')),
		contextSize: typeof size === 'number' ? size : undefined,
	};
}

function messageFields(context: FieldKind | undefined): Fields | undefined {
	if (context?.type !== 'list' || context.items.type !== 'object') return undefined;
	return new Map(context.items.fields.map(({ id, kind }) => [id, kind]));
}

/** Whether the addresses in a field for files are wanted as `{ uri }`, not as text. */
export function wantsFileObjects(kind: FieldKind | undefined): boolean {
	const file = kind?.type === 'list' ? kind.items : kind;
	return file?.type === 'file' && file.as === 'object';
}
