import { changedNumber, mayBeRounded, ROUNDED } from '../util/exactNumber';
import { isJsonObject, parseExactly, type JsonObject, type ParsedJson } from '../util/json';
import type { Choice, FieldKind, FormField } from './inputSchema';

/** A file as a value gives it: its name in the item, or whatever stands for a file there. */
export type GivenFile = string | JsonObject;

/** A file of the item that goes into the input. */
export interface PlacedFile {
	readonly file: GivenFile;
	/** Where its URI goes: keys and list indices, joined by dots. */
	readonly path: string;
}

/** What becomes of a value. */
export type CheckedValue =
	/** It leaves like this. Where lists and objects hold null for a file, its URI comes later. */
	| { readonly kind: 'value'; readonly value: unknown; readonly files: readonly PlacedFile[] }
	/** It names a file: nothing leaves until the file has a URI. */
	| { readonly kind: 'file'; readonly file: PlacedFile }
	/** It cannot be used; `problem` continues "Width …". */
	| { readonly kind: 'wrong'; readonly problem: string };

/** Where a value comes from and goes to. */
export interface ValuePlace {
	/** Keys and list indices, joined by dots. */
	readonly path: string;
	/** The value has its type already, as that of an expression has; typed text may mean JSON. */
	readonly typed: boolean;
	/** The files of the item that a value stands for, by a name or otherwise. */
	filesOf(value: unknown): readonly GivenFile[];
	/** The names of the item's files. */
	fileNames(): readonly string[];
	/** What is inside of the value may be of several kinds that have the same kinds inside. */
	readonly known?: Map<string, Map<FieldKind, { value: unknown; checked: CheckedValue }>>;
}

/** What begins with a scheme. */
const URI = /^[a-z][a-z0-9+.-]*:./i;

const ok = (value: unknown, files: readonly PlacedFile[] = []): CheckedValue => {
	return { kind: 'value', value, files };
};
const wrong = (problem: string): CheckedValue => ({ kind: 'wrong', problem });

interface Limits {
	readonly min?: number | undefined;
	readonly max?: number | undefined;
	readonly above?: number | undefined;
	readonly below?: number | undefined;
}

/** Limits in words, with a space before: ` ≥ 1 and ≤ 10`. */
function inWords({ min, above, max, below }: Limits): string {
	const signs = [
		['≥', min],
		['>', above],
		['≤', max],
		['<', below],
	].filter(([, limit]) => limit !== undefined);
	return signs.map(([sign, limit]) => ` ${sign} ${limit}`).join(' and');
}

function within(size: number, { min, above, max, below }: Limits): boolean {
	return !(
		(min !== undefined && size < min) ||
		(above !== undefined && size <= above) ||
		(max !== undefined && size > max) ||
		(below !== undefined && size >= below)
	);
}

/** As Python counts: a character outside the basic plane is one. */
function lengthOf(text: string): number {
	return text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, '_').length;
}

function checkText(value: unknown, limits: Limits): CheckedValue {
	const text = ['number', 'boolean'].includes(typeof value) ? String(value) : value;
	if (typeof text !== 'string') return wrong('must be text');
	if (typeof value === 'number' && mayBeRounded(value)) {
		return wrong(`must be text: ${ROUNDED}`);
	}
	const words = inWords(limits);
	if (words === '' || within(lengthOf(text), limits)) return ok(text);
	return wrong(`must be text with a length${words}`);
}

function checkNumber(value: unknown, kind: Limits & { readonly integer: boolean }): CheckedValue {
	const { integer } = kind;
	const number = numberOf(value);
	const isNumber = integer ? Number.isInteger(number) : Number.isFinite(number);
	const what = `must be a ${integer ? 'whole number' : 'number'}${inWords(kind)}`;
	if (typeof number !== 'number' || !isNumber || !within(number, kind)) return wrong(what);
	const isChanged =
		typeof value === 'string'
			? changedNumber(value) !== undefined
			: integer && mayBeRounded(number);
	return isChanged ? wrong(`${what}, and ${ROUNDED}`) : ok(number);
}

/** A number, also one that is given as text. */
function numberOf(value: unknown): unknown {
	return typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
}

const SWITCH: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
	[true, true],
	[1, true],
	['true', true],
	['1', true],
	[false, false],
	[0, false],
	['false', false],
	['0', false],
]);

/** A switch that is given as true, false, 1 or 0, or as one of these words; undefined for others. */
export function switchOf(value: unknown): boolean | undefined {
	return SWITCH.get(typeof value === 'string' ? value.trim().toLowerCase() : value);
}

function checkBoolean(value: unknown): CheckedValue {
	const isOn = switchOf(value);
	return isOn === undefined ? wrong('must be true or false') : ok(isOn);
}

function checkChoice(value: unknown, choices: readonly Choice[]): CheckedValue {
	const text = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
	const choice =
		choices.find((one) => one === value) ??
		choices.find((one) => String(one) === text) ??
		choices.find((one) => String(one).trim() === text?.trim()) ??
		choices.find((one) => typeof one === 'number' && one === numberOf(value));
	return choice === undefined ? wrong(`must be one of ${choices.join(', ')}`) : ok(choice);
}

/** Several files in one text: names or URLs, which may hold commas themselves. */
function splitFiles(text: string): readonly string[] {
	if (/^data:/i.test(text)) return [text];
	const separator = URI.test(text) ? /\n|,(?=\s|https?:)/ : /[\n,]/;
	const parts = text.split(separator).map((part) => part.trim());
	return parts.filter((part) => part !== '');
}

function checkFile(
	value: unknown,
	kind: FieldKind & { type: 'file' },
	place: ValuePlace,
): CheckedValue {
	const [file, ...others] = place.filesOf(typeof value === 'string' ? value.trim() : value);
	if (file !== undefined && others.length === 0) {
		const path = kind.as === 'object' ? `${place.path}.uri` : place.path;
		return { kind: 'file', file: { file, path } };
	}
	if (typeof value === 'string') {
		const text = value.trim();
		if (URI.test(text)) return ok(kind.as === 'object' ? { uri: text } : text);
	}
	if (isJsonObject(value) && typeof value['uri'] === 'string') {
		return ok(kind.as === 'text' ? value['uri'] : value);
	}
	const names = place.fileNames();
	const known = names.length === 0 ? 'which has none' : `which has ${names.join(', ')}`;
	const expression =
		typeof value === 'object' && value !== null ? ', or an expression that gives one file' : '';
	return wrong(`must be a URL, or the name of a binary field of the item (${known})${expression}`);
}

/** Text as JSON; any other value is what it is. */
function asJson(value: unknown): ParsedJson {
	return typeof value === 'string' ? parseExactly(value) : { kind: 'json', value };
}

function holdsChanged(number: string): CheckedValue {
	return wrong(`must not hold the number ${number}: ${ROUNDED}`);
}

/** The elements of a list field, however they were entered. */
function elementsOf(
	value: unknown,
	entered: ParsedJson,
	items: FieldKind,
	place: ValuePlace,
): unknown {
	const json = entered.kind === 'json' ? entered.value : undefined;
	if (items.type !== 'file' || Array.isArray(json)) return json;
	if (isJsonObject(json)) {
		const files = place.filesOf(json);
		return files.length > 0 ? files : [json];
	}
	return typeof value === 'string' ? splitFiles(value) : json;
}

/** What is inside a list or an object, collected one after another. */
class Contents {
	readonly files: PlacedFile[] = [];

	/** Takes note of a file inside, and returns what is there meanwhile. */
	add(checked: Exclude<CheckedValue, { readonly kind: 'wrong' }>): unknown {
		if (checked.kind === 'file') {
			this.files.push(checked.file);
			return null;
		}
		for (const file of checked.files) this.files.push(file);
		return checked.value;
	}
}

function checkList(
	value: unknown,
	kind: FieldKind & { type: 'list' },
	place: ValuePlace,
): CheckedValue {
	const entered = asJson(value);
	if (entered.kind === 'inexact') return holdsChanged(entered.number);
	const list = elementsOf(value, entered, kind.items, place);
	if (!Array.isArray(list)) return wrong('must be a JSON array');
	if (!within(list.length, kind)) {
		return wrong(`must have a number of elements${inWords(kind)}`);
	}
	const contents = new Contents();
	const values: unknown[] = [];
	for (const [index, element] of list.entries()) {
		const path = `${place.path}.${index}`;
		const checked = checkValue(element, kind.items, { ...place, typed: true, path });
		if (checked.kind === 'wrong') return wrong(`has an element ${index} that ${checked.problem}`);
		values.push(contents.add(checked));
	}
	return ok(values, contents.files);
}

function checkObject(
	value: unknown,
	fields: readonly FormField[],
	place: ValuePlace,
): CheckedValue {
	const entered = asJson(value);
	if (entered.kind === 'inexact') return holdsChanged(entered.number);
	if (entered.kind === 'invalid' || !isJsonObject(entered.value)) {
		return wrong('must be a JSON object');
	}
	const contents = new Contents();
	const values = new Map(Object.entries(entered.value));
	for (const { id, kind, required } of fields) {
		const inner = values.get(id) ?? undefined;
		if (inner === undefined && required) return wrong(`must be a JSON object with ${id}`);
		if (inner === undefined) continue;
		const path = `${place.path}.${id}`;
		const checked = checkValue(inner, kind, { ...place, typed: true, path });
		if (checked.kind === 'wrong') return wrong(`has a ${id} that ${checked.problem}`);
		values.set(id, contents.add(checked));
	}
	return ok(Object.fromEntries(values), contents.files);
}

/** What fields take that take anything. */
function checkAnything(value: unknown, entered: ParsedJson): CheckedValue {
	if (entered.kind === 'inexact') return holdsChanged(entered.number);
	if (typeof value === 'number' && mayBeRounded(value)) return holdsChanged(String(value));
	return ok(entered.kind === 'json' ? (entered.value ?? value) : value);
}

/** How well a value is of a kind as it stands; of several kinds the best one is taken. */
function fitOf({ type }: FieldKind, value: unknown): number {
	switch (type) {
		case 'boolean':
			// 0 and 1 are switches only where nothing else takes them.
			return typeof value === 'boolean' || /^\s*(?:true|false)\s*$/i.test(String(value)) ? 2 : 0;
		case 'number':
			return typeof value === 'number' ? 2 : 1;
		default:
			return 1;
	}
}

function checkAny(value: unknown, kinds: readonly FieldKind[], place: ValuePlace): CheckedValue {
	// Text that somebody typed may be meant as JSON; text from an expression is what it is.
	const isTyped = typeof value === 'string' && !place.typed;
	const entered: ParsedJson = isTyped ? asJson(value) : { kind: 'json', value };
	if (kinds.length === 0) return checkAnything(value, entered);
	const inside = { ...place, typed: true };
	const json = entered.kind === 'json' ? (entered.value ?? value) : value;
	const bestFirst = kinds.toSorted((left, right) => fitOf(right, json) - fitOf(left, json));
	const texts = bestFirst.filter(({ type }) => type === 'text');
	const others = bestFirst.filter((kind) => kind.type !== 'text' && fitOf(kind, json) > 0);
	const textFirst = typeof value === 'string' && place.typed;
	const attempts = [
		...(textFirst ? texts : others).map((kind) => ({ kind, given: json })),
		...bestFirst.map((kind) => ({ kind, given: value })),
	];
	let firstProblem: CheckedValue | undefined;
	for (const { kind, given } of attempts) {
		const checked = checkValue(given, kind, inside);
		if (checked.kind !== 'wrong') return checked;
		firstProblem ??= checked;
	}
	return firstProblem ?? ok(value);
}

/**
 * Checks a value against what its field takes and gives it the exact type: numbers and booleans
 * from text, lists and objects from JSON.
 */
export function checkValue(value: unknown, kind: FieldKind, place: ValuePlace): CheckedValue {
	if (typeof value !== 'object') return check(value, kind, place);
	const { known = new Map(), path } = place;
	const here = known.get(path) ?? new Map();
	known.set(path, here);
	const before = here.get(kind);
	if (before?.value === value) return before.checked;
	const checked = check(value, kind, { ...place, known });
	here.set(kind, { value, checked });
	return checked;
}

function check(value: unknown, kind: FieldKind, place: ValuePlace): CheckedValue {
	switch (kind.type) {
		case 'text':
			return checkText(value, kind);
		case 'number':
			return checkNumber(value, kind);
		case 'boolean':
			return checkBoolean(value);
		case 'choice':
			return checkChoice(value, kind.choices);
		case 'file':
			return checkFile(value, kind, place);
		case 'list':
			return checkList(value, kind, place);
		case 'object':
			return checkObject(value, kind.fields, place);
		case 'any':
			return checkAny(value, kind.kinds, place);
	}
}
