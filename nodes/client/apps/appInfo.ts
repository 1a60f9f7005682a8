import { asJsonObject, textOf, type JsonObject } from '../util/json';

/** One entry point of an app. */
export interface AppFunction {
	readonly name: string;
	readonly description: string | undefined;
	readonly input: JsonObject | undefined;
	readonly output: JsonObject | undefined;
	/** Talks through a socket, which HTTP callers do not have. */
	readonly streams: boolean;
}

/** An app in one of its versions (API notes 7.3, 7.4). */
export interface AppInfo {
	readonly id: string | undefined;
	readonly functions: readonly AppFunction[];
	/** Name of the function that runs if none is named. */
	readonly defaultFunction: string | undefined;
	/** Schema of the parameters of an instance; undefined if the app has none. */
	readonly setup: JsonObject | undefined;
	/** Ids of the version, the short one of references first. */
	readonly versionIds: readonly string[];
}

function functionFrom(name: string, value: unknown, fallback: JsonObject): AppFunction {
	const wire = asJsonObject(value) ?? {};
	return {
		// The key counts: the entry's own name may be empty.
		name,
		description: textOf(wire['description']),
		input: asJsonObject(wire['input_schema']) ?? asJsonObject(fallback['input_schema']),
		output: asJsonObject(wire['output_schema']) ?? asJsonObject(fallback['output_schema']),
		streams: wire['kind'] === 'stream',
	};
}

/** Whatever an app is like, it has some of these. */
const OF_APPS = ['id', 'app_id', 'name', 'version', 'version_id', 'functions', 'input_schema'];

/** Whether an object is an app; somebody else's answer is none. */
export function isApp(wire: JsonObject): boolean {
	return OF_APPS.some((key) => key in wire);
}

/** Reads an app with its version, or the version alone. */
export function appFromWire(wire: JsonObject): AppInfo {
	const version = asJsonObject(wire['version']) ?? wire;
	const named = textOf(version['default_function']);
	const entries = Object.entries(asJsonObject(version['functions']) ?? {});
	const main = named ?? (entries.length === 0 ? 'run' : undefined);
	const functions = entries.map(([name, value]) =>
		functionFrom(name, value, name === named ? version : {}),
	);
	if (functions.length === 0) functions.push(functionFrom(main ?? 'run', {}, version));
	const setup = asJsonObject(version['setup_schema']);
	return {
		id: textOf(version === wire ? wire['app_id'] : wire['id']) ?? textOf(wire['id']),
		functions,
		defaultFunction:
			functions.find(({ name }) => name === main)?.name ??
			functions.find(({ name }) => name === 'run')?.name ??
			functions.find(({ streams }) => !streams)?.name,
		setup: Object.keys(asJsonObject(setup?.['properties']) ?? {}).length === 0 ? undefined : setup,
		versionIds: [version['short_id'], version['id'], wire['version_id']]
			.map(textOf)
			.filter((id) => id !== undefined),
	};
}

/**
 * A function of an app.
 *
 * @param name undefined for the default one
 */
export function functionOf(app: AppInfo, name: string | undefined): AppFunction | undefined {
	const wanted = name ?? app.defaultFunction;
	return app.functions.find((one) => one.name === wanted);
}
