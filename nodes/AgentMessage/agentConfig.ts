import { parseAppRef } from '../client/apps/appRef';
import { isJsonObject, textOf, type JsonObject } from '../client/util/json';
import type { AgentChoice } from '../client/agents/messageRequest';
import type { ItemParameters } from '../shared/parameters/itemParameters';
import { shown } from '../shared/parameters/parameterError';

const TOOL_TYPES = ['app', 'agent', 'hook', 'http', 'call', 'mcp', 'client', 'internal'];
/** Tools that are nothing without what they refer to (API notes 5.2). */
const REQUIRED: Readonly<Record<string, string>> = {
	app: 'ref',
	agent: 'ref',
	hook: 'url',
	http: 'url',
	call: 'url',
	mcp: 'tool_name',
};
/** What only a request for a saved agent has. */
const SAVED_KEYS = ['agent', 'agent_id'];

/**
 * Reads who is asked.
 *
 * @param outputSchema undefined if no structured output is wanted
 * @throws NodeOperationError that names the parameter, the place in it and the item
 */
export function readAgent(item: ItemParameters, outputSchema: JsonObject | undefined): AgentChoice {
	const source = item.get('agentSource', 'saved').oneOf(['saved', 'adHoc']);
	if (source === 'adHoc') return { kind: 'adHoc', config: readConfig(item, outputSchema) };
	if (outputSchema) {
		throw item.options
			.get('outputSchema')
			.error(
				'works only with an agent that is defined here: a saved agent has its own',
				'Set "Agent Source" to "Defined Here", or give the saved agent the schema on inference.sh.',
			);
	}
	return { kind: 'saved', ref: readRef(item, 'agent') };
}

function readRef(item: ItemParameters, name: string): string {
	const picked = item.picked(name);
	if (picked.isBlank) {
		throw picked.error(
			'is empty',
			'Pick one from the list, or enter its reference, for example <code>namespace/name</code>.',
		);
	}
	const ref = typeof picked.value === 'string' ? parseAppRef(picked.value) : undefined;
	if (ref && ref.function === undefined) return ref.app;
	throw picked.mismatch('a reference like namespace/name[@version]');
}

/** The agent's config from its own fields and the JSON, which may not contradict each other. */
function readConfig(item: ItemParameters, outputSchema: JsonObject | undefined): JsonObject {
	const given = item.get('agentConfig');
	const config = given.optionalJsonObject() ?? {};
	const wrong = (problem: string) => given.error(problem);
	const saved = SAVED_KEYS.find((key) => key in config);
	if (saved !== undefined) {
		throw wrong(
			`has the key "${saved}" of a saved agent, but an agent is either saved or defined here`,
		);
	}
	checkTools(config['tools'], wrong);
	const part = (key: string): JsonObject => {
		const value = config[key] ?? {};
		if (isJsonObject(value)) return value;
		throw wrong(`at ${key} must be an object, but is ${shown(value)}`);
	};
	const ref = readRef(item, 'coreApp');
	const core = part('core_app');
	if (textOf(core['ref']) !== undefined && core['ref'] !== ref) {
		throw wrong(`at core_app.ref names another app than "Core App": ${shown(core['ref'])}`);
	}
	const systemPrompt = item.get('systemPrompt').optionalText();
	return {
		...config,
		core_app: { ...core, ref },
		system_prompt: systemPrompt ?? config['system_prompt'],
		...(outputSchema && {
			output_schema: outputSchema,
			internal_tools: { ...part('internal_tools'), finish: true },
		}),
	};
}

/**
 * Checks what the service would refuse, or silently leave out, so that the error can say where.
 *
 * @throws what `wrong` makes of the problem
 */
function checkTools(tools: unknown, wrong: (problem: string) => Error): void {
	if (tools === undefined || tools === null) return;
	if (!Array.isArray(tools)) throw wrong(`at tools must be a list, but is ${shown(tools)}`);
	const names = new Set<string>();
	for (const [index, tool] of tools.entries()) {
		const at = `at tools[${index}]`;
		if (!isJsonObject(tool)) throw wrong(`${at} must be an object, but is ${shown(tool)}`);
		const name = textOf(tool['name']);
		if (name === undefined) throw wrong(`${at}.name must be text, but is ${shown(tool['name'])}`);
		if (names.has(name)) throw wrong(`${at}.name is there twice: ${shown(name)}`);
		names.add(name);
		const type = textOf(tool['type']) ?? '';
		if (!TOOL_TYPES.includes(type)) {
			const known = TOOL_TYPES.join(', ');
			throw wrong(`${at}.type must be one of ${known}, but is ${shown(tool['type'])}`);
		}
		const key = REQUIRED[type];
		const own = tool[type];
		if (key !== undefined && (!isJsonObject(own) || textOf(own[key]) === undefined)) {
			const value = isJsonObject(own) ? own[key] : undefined;
			throw wrong(`${at}.${type}.${key} must be text, but is ${shown(value)}`);
		}
	}
}
