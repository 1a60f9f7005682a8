import type { IExecuteFunctions, NodeOperationError, NodeParameterValueType } from 'n8n-workflow';
import { isJsonObject, listOf, type JsonObject } from '../../client/util/json';
import { displayNameOf } from './displayNames';
import { nodeOf, type ParameterContext } from './nodeOf';
import { Parameter, type ParameterName, type ParameterOwner } from './parameter';
import { pickedValue, readParameter } from './readParameter';

/** Parameters that n8n gives all at once: those of a collection. */
export class ParameterGroup {
	private readonly values: JsonObject;

	constructor(
		private readonly owner: ParameterOwner,
		private readonly whole: Parameter,
		/** What the panel calls the parameters in it, by their names. */
		private readonly nameOf: (name: string) => string,
	) {
		this.values = isJsonObject(whole.value) ? whole.value : {};
	}

	/** What the collection is called. */
	get displayName(): string {
		return this.whole.displayName;
	}

	/** @param fallback what it is if it is not there, or null */
	get(name: string, fallback?: unknown): Parameter {
		return this.named(name, this.values[name] ?? fallback);
	}

	/** What is chosen in a picker. */
	picked(name: string): Parameter {
		return this.named(name, pickedValue(this.values[name]));
	}

	/**
	 * Whether a switch is on; off if it is not there.
	 *
	 * @throws NodeOperationError if it is neither on nor off
	 */
	isOn(name: string): boolean {
		return this.get(name).isOn();
	}

	private named(name: string, value: unknown): Parameter {
		return new Parameter(this.owner, () => this.nameOf(name), value);
	}
}

/**
 * The parameters of one item. They are read when they are asked for, not before: an expression
 * costs about 0.3 ms, in which n8n does nothing else.
 */
export class ItemParameters<Context extends ParameterContext = IExecuteFunctions> {
	private readonly owner: ParameterOwner;
	private collection: ParameterGroup | undefined;

	constructor(
		readonly context: Context,
		readonly itemIndex: number,
	) {
		this.owner = { node: nodeOf(context), itemIndex };
	}

	/**
	 * @param name `message`, or a path: `options.session`
	 * @param fallback what it is if the node does not have it
	 * @throws NodeOperationError if its expression fails
	 */
	get(name: string, fallback: NodeParameterValueType = ''): Parameter {
		return this.read({ name, fallback });
	}

	/**
	 * A field of the form, by its id.
	 *
	 * @param displayName its name as the form shows it
	 * @throws NodeOperationError if its expression fails
	 */
	field(id: string, displayName: string): Parameter {
		return this.read({ name: `fields.value[${JSON.stringify(id)}]`, displayName, fallback: '' });
	}

	/**
	 * What is chosen in a picker, or typed into it.
	 *
	 * @throws NodeOperationError if its expression fails
	 */
	picked(name: string): Parameter {
		return this.read({ name, fallback: '', extractValue: true });
	}

	/**
	 * The Options, read all at once.
	 *
	 * @throws NodeOperationError if one of their expressions fails
	 */
	get options(): ParameterGroup {
		this.collection ??= this.group('options', this.get('options', {}));
		return this.collection;
	}

	/**
	 * The entries of a list of groups of fields (in n8n's words a fixed collection with the group
	 * `values`).
	 *
	 * @throws NodeOperationError if one of their expressions fails
	 */
	entries(name: string): readonly ParameterGroup[] {
		const list = this.get(name, {});
		const { value } = list;
		return listOf(isJsonObject(value) ? value['values'] : undefined).map((entry) =>
			this.group(
				name,
				this.given(() => list.displayName, entry),
			),
		);
	}

	/** A value that comes from elsewhere, to be checked as parameters are. */
	given(name: ParameterName, value: unknown): Parameter {
		return new Parameter(this.owner, name, value);
	}

	/**
	 * The error that something is wrong with a parameter.
	 *
	 * @param problem continues "Parameter "Chat ID" …"
	 * @param help what to do, shown below the message
	 */
	error(displayName: string, problem: string, help?: string): NodeOperationError {
		return this.given(displayName, undefined).error(problem, help);
	}

	private read(what: {
		readonly name: string;
		readonly displayName?: string;
		readonly fallback: NodeParameterValueType;
		readonly extractValue?: boolean;
	}): Parameter {
		const { context, itemIndex } = this;
		const value = readParameter(context, { ...what, itemIndex });
		return this.given(() => what.displayName ?? displayNameOf(context, what.name), value);
	}

	private group(name: string, whole: Parameter): ParameterGroup {
		const { context, owner } = this;
		return new ParameterGroup(owner, whole, (inner) => displayNameOf(context, `${name}.${inner}`));
	}
}
