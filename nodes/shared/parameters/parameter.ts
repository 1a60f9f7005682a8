import type { INode, NodeOperationError } from 'n8n-workflow';
import { switchOf } from '../../client/apps/fieldValue';
import { mayBeRounded, ROUNDED } from '../../client/util/exactNumber';
import { isJsonObject, parseExactly, type JsonObject } from '../../client/util/json';
import { parseHttpUrl } from '../../client/util/url';
import { isOwnJson } from './jsonDepth';
import { pointInTime } from './isoTime';
import { jsonErrorPlace } from './jsonPlace';
import { parameterError, shown } from './parameterError';
import { plainValue } from './plainValue';
import { messageOf } from '../../client/util/errorMessage';

/** Whose parameter it is. */
export interface ParameterOwner {
	readonly node: INode;
	/** Undefined for settings of the whole run. */
	readonly itemIndex: number | undefined;
}

/** What the panel calls a parameter. Only an error needs it, and it takes its time to find out. */
export type ParameterName = string | (() => string);

/** A week, in seconds; also far below what timers can hold. */
const LONGEST_SECONDS = 604_800;

/**
 * One parameter as n8n gives it for one item. Its methods check the value and return it in the type
 * that it has to have; their errors name the parameter and the item and print the bad value.
 */
export class Parameter {
	constructor(
		private readonly owner: ParameterOwner,
		private readonly name: ParameterName,
		readonly value: unknown,
	) {}

	/** Its name as the form shows it. */
	get displayName(): string {
		const { name } = this;
		return typeof name === 'string' ? name : name();
	}

	/** Whether nothing has been entered: no text, an object without keys. */
	get isBlank(): boolean {
		const { value } = this;
		return (
			value === undefined ||
			value === null ||
			(typeof value === 'string' && value.trim() === '') ||
			(isJsonObject(value) && !isOwnJson(value) && Object.keys(value).length === 0)
		);
	}

	/**
	 * The error that something is wrong with this parameter.
	 *
	 * @param problem continues "Parameter "Input (JSON)" …"
	 * @param help what to do, shown below the message
	 */
	error(problem: string, help?: string): NodeOperationError {
		const { node, itemIndex } = this.owner;
		return parameterError(node, { parameter: this.displayName, problem, itemIndex, help });
	}

	/** The error that the value is of another kind than `wanted`, such as "a list". */
	mismatch(wanted: string, value = this.value): NodeOperationError {
		return this.error(`must be ${wanted}, but is ${shown(value)}`);
	}

	/**
	 * The value as JSON holds it: a date as text in ISO 8601, and so on.
	 *
	 * @throws NodeOperationError if JSON cannot hold it, or not exactly
	 */
	plain(): unknown {
		const plain = plainValue(this.value);
		if (plain.kind === 'unusable') throw this.error(plain.problem);
		return plain.value;
	}

	/**
	 * Whether a switch is on: true, 1 or one of these as text. What is empty is off.
	 *
	 * @throws NodeOperationError
	 */
	isOn(): boolean {
		if (this.isBlank) return false;
		const isOn = switchOf(this.plain());
		if (isOn === undefined) throw this.mismatch('true or false');
		return isOn;
	}

	/**
	 * A number within bounds, both included; text that is one passes.
	 *
	 * @throws NodeOperationError
	 */
	number(bounds: {
		readonly min: number;
		readonly max: number;
		readonly integer?: boolean;
	}): number {
		const { value } = this;
		const isWritten = typeof value === 'string' && value.trim() !== '';
		const numeric = isWritten || typeof value === 'bigint' ? Number(value) : value;
		const { min, max, integer = false } = bounds;
		const valid =
			typeof numeric === 'number' &&
			Number.isFinite(numeric) &&
			numeric >= min &&
			numeric <= max &&
			(!integer || Number.isInteger(numeric));
		if (valid) return numeric;
		throw this.mismatch(`${integer ? 'a whole number' : 'a number'} from ${min} to ${max}`);
	}

	/**
	 * A time given in seconds, a week at most, in milliseconds.
	 *
	 * @param min seconds
	 * @throws NodeOperationError
	 */
	duration(min = 0): number {
		return Math.round(this.number({ min, max: LONGEST_SECONDS }) * 1000);
	}

	/**
	 * One of several words.
	 *
	 * @throws NodeOperationError
	 */
	oneOf<const T extends string>(words: readonly T[]): T {
		const found = words.find((word) => word === this.value);
		if (found === undefined) throw this.mismatch(`one of ${words.join(', ')}`);
		return found;
	}

	/**
	 * Text without blanks around it, undefined if that is empty. Numbers, switches and dates, as
	 * expressions give them, become text.
	 *
	 * @throws NodeOperationError
	 */
	optionalText(): string | undefined {
		if (this.value === undefined || this.value === null) return undefined;
		const value = this.plain();
		switch (typeof value) {
			case 'string':
				return value.trim() === '' ? undefined : value.trim();
			case 'number':
				if (mayBeRounded(value)) throw this.mismatch(`text: ${ROUNDED}`);
				return String(value);
			case 'boolean':
				return String(value);
			default:
				throw this.mismatch('text');
		}
	}

	/**
	 * Text without blanks around it.
	 *
	 * @param help what to do if it is empty
	 * @throws NodeOperationError also if it is empty
	 */
	text(help?: string): string {
		return this.filled(this.optionalText(), help);
	}

	/**
	 * An http or https URL, undefined if it is empty.
	 *
	 * @throws NodeOperationError
	 */
	optionalUrl(): string | undefined {
		const text = this.optionalText();
		if (text === undefined || parseHttpUrl(text) !== undefined) return text;
		throw this.mismatch('an http or https URL', text);
	}

	/**
	 * An http or https URL.
	 *
	 * @param help what to do if it is empty
	 * @throws NodeOperationError also if it is empty
	 */
	url(help?: string): string {
		return this.filled(this.optionalUrl(), help);
	}

	/**
	 * A point in time as RFC 3339, undefined if it is empty: text in ISO 8601, a Date or a DateTime.
	 *
	 * @param timeZone where it is meant if it does not say so
	 * @throws NodeOperationError
	 */
	optionalTime(timeZone: string): string | undefined {
		const text = this.optionalText();
		if (text === undefined) return undefined;
		const time = pointInTime(text, timeZone);
		if (time.kind === 'wrong') throw this.mismatch(time.wanted);
		return time.at;
	}

	/**
	 * A JSON object, given as text (typed) or as a value (from an expression).
	 *
	 * @throws NodeOperationError
	 */
	jsonObject(): JsonObject {
		const { value } = this;
		const parsed =
			typeof value === 'string' ? new Parameter(this.owner, this.name, this.parse(value)) : this;
		const plain = parsed.plain();
		if (!isJsonObject(plain)) throw this.mismatch('a JSON object', plain);
		return plain;
	}

	/**
	 * A JSON object, undefined if nothing has been entered.
	 *
	 * @throws NodeOperationError
	 */
	optionalJsonObject(): JsonObject | undefined {
		return this.isBlank ? undefined : this.jsonObject();
	}

	/**
	 * The elements of a list, also of one that is given as JSON. Each goes by the name of the list.
	 *
	 * @throws NodeOperationError
	 */
	list(): readonly Parameter[] {
		const { owner, name, value } = this;
		const list =
			typeof value === 'string' && value.trim().startsWith('[') ? this.parse(value) : value;
		if (!Array.isArray(list)) throw this.mismatch('a list');
		return list.map((element: unknown) => new Parameter(owner, name, element));
	}

	private filled<T>(value: T | undefined, help: string | undefined): T {
		if (value === undefined) throw this.error('is empty', help);
		return value;
	}

	private parse(text: string): unknown {
		const parsed = parseExactly(text);
		switch (parsed.kind) {
			case 'json':
				return parsed.value;
			case 'inexact':
				throw this.error(
					`has the number ${parsed.number}, but ${ROUNDED}`,
					'Put the number in quotes if the app takes it as text.',
				);
			case 'invalid': {
				const said = messageOf(parsed.error);
				const reason = /\(line \d+ column \d+\)$/.test(said)
					? said
					: `${said}, ${jsonErrorPlace(text)}`;
				throw this.error(`is not valid JSON (${reason}): ${shown(text)}`);
			}
		}
	}
}
