import { isJsonObject, listOf, textOf, type JsonObject } from '../util/json';

/** The schemas of one place of an output, and of the places inside of it. */
export class SchemaPlace {
	/** Whether one of them says that a file is there. */
	readonly declaresFile: boolean;
	readonly inside = new Map<string | number, SchemaPlace>();
	/** The names that one of them has properties for; made when it is needed. */
	private names: Set<string> | undefined;

	constructor(readonly schemas: readonly JsonObject[]) {
		this.declaresFile = schemas.some(declaresFile);
	}

	/** Whether it matters what a property is called. */
	knows(name: string): boolean {
		this.names ??= new Set(
			this.schemas.flatMap(({ properties }) =>
				isJsonObject(properties) ? Object.keys(properties) : [],
			),
		);
		return this.names.has(name);
	}
}

/** Current schemas mark the string, older ones refer to a definition called File (API notes 7.5). */
function declaresFile(schema: JsonObject): boolean {
	if (schema['format'] === 'file' || schema['$id'] === '/schemas/File') return true;
	const { title, properties, $ref: reference } = schema;
	if (textOf(reference)?.endsWith('/File') === true) return true;
	return title === 'File' && isJsonObject(properties) && 'uri' in properties;
}

/** Schemas that are looked at for one output. What comes after that is known by its shape only. */
const MOST_LOOKS = 200_000;
/** Stands for all properties that no schema has a name for, and for the elements of lists. */
const OTHERS = 0;
const ELEMENTS = 1;

/**
 * The schema of an output, place by place. What may be at a place is found out once, however many
 * places of the output are like it: unions may be wide, and schemas may refer to themselves.
 */
export class OutputSchema {
	private readonly numbers = new Map<JsonObject, number>();
	/** By the numbers of their schemas. */
	private readonly places = new Map<string, SchemaPlace>();
	private left = MOST_LOOKS;
	readonly whole: SchemaPlace;

	constructor(private readonly root: JsonObject) {
		this.whole = this.place([root]);
	}

	/** @param key name of a property, or undefined for the elements of a list */
	inside(place: SchemaPlace, key: string | undefined): SchemaPlace {
		const known = key === undefined ? ELEMENTS : place.knows(key) ? key : OTHERS;
		const before = place.inside.get(known);
		if (before) return before;
		const found = this.place(
			place.schemas.map(({ items, properties, additionalProperties }) => {
				if (key === undefined) return items;
				const own = isJsonObject(properties) && Object.hasOwn(properties, key);
				return own ? properties[key] : additionalProperties;
			}),
		);
		place.inside.set(known, found);
		return found;
	}

	/** The place of schemas with everything that they refer to and every branch of their unions. */
	private place(schemas: readonly unknown[]): SchemaPlace {
		const all = new Map<number, JsonObject>();
		const open = [...schemas];
		while (open.length > 0 && this.left > 0) {
			this.left -= 1;
			const schema = open.pop();
			if (!isJsonObject(schema)) continue;
			const number = this.numbers.get(schema) ?? this.numbers.size;
			this.numbers.set(schema, number);
			if (all.has(number)) continue;
			all.set(number, schema);
			for (const key of ['anyOf', 'oneOf', 'allOf']) {
				for (const branch of listOf(schema[key])) open.push(branch);
			}
			const reference = textOf(schema['$ref']);
			if (reference !== undefined) open.push(this.resolve(reference));
		}
		const key = [...all.keys()].sort((left, right) => left - right).join();
		const known = this.places.get(key) ?? new SchemaPlace([...all.values()]);
		this.places.set(key, known);
		return known;
	}

	/** What a reference inside the document points to; by hand, because `$id`s mislead resolvers. */
	private resolve(reference: string): unknown {
		return reference
			.split('/')
			.slice(1)
			.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
			.reduce<unknown>((at, key) => (isJsonObject(at) ? at[key] : undefined), this.root);
	}
}
