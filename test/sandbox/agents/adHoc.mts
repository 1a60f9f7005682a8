/** The agent that a request defines, and how it is checked. */
import type { AgentCall, AgentTurn, Json, SandboxAgent } from './agentTypes.mts';
import { asArray, asRecord, isRecord, text } from '../util/values.mts';
import { answer, pace, remember, verdict } from './speech.mts';

const TOOL_TYPES = ['app', 'agent', 'hook', 'http', 'call', 'mcp', 'client', 'internal'];

/** What is wrong with a config, by the path of the place; nothing if it will do. */
export function misconfigured(config: unknown): string | undefined {
	if (!isRecord(config)) return 'agent_config must be an object';
	const core = asRecord(config['core_app']);
	if (text(core['ref']) === '' && text(core['id']) === '') {
		return 'agent_config.core_app.ref is required';
	}
	const schema = config['output_schema'] ?? {};
	if (!isRecord(schema)) return 'agent_config.output_schema must be an object';
	const tools = config['tools'] ?? [];
	if (!Array.isArray(tools)) return 'agent_config.tools must be an array';
	for (const [index, tool] of tools.entries()) {
		const place = `agent_config.tools[${index}]`;
		if (!isRecord(tool)) return `${place} must be an object`;
		if (text(tool['name']) === '') return `${place}.name is required`;
		if (!TOOL_TYPES.includes(text(tool['type']))) {
			return `${place}.type must be one of ${TOOL_TYPES.join(', ')}`;
		}
	}
	return undefined;
}

/** A value that fits a schema, made of the text that it is to be extracted from. */
export function example(schema: Json, said: string): unknown {
	const known = asArray(schema['enum'])[0];
	if (known !== undefined) return known;
	switch (schema['type']) {
		case 'object': {
			const properties = Object.entries(asRecord(schema['properties']));
			return Object.fromEntries(
				properties.map(([key, one]) => [key, example(asRecord(one), said)]),
			);
		}
		case 'array':
			return [example(asRecord(schema['items']), said)];
		case 'integer':
		case 'number':
			return Number(/\d+/.exec(said)?.[0] ?? said.length);
		case 'boolean':
			return said.includes('!');
		default:
			return said;
	}
}

function askFor(turn: AgentTurn, tool: Json): void {
	const name = text(tool['name']);
	const type = tool['type'] === 'client' ? 'client' : 'app';
	const call: AgentCall = { name, arguments: { said: turn.text }, type };
	if (type !== 'client' && tool['require_approval'] !== true) {
		turn.call(call, 'ok');
		turn.next();
		return answer(turn, `Used ${name}.`);
	}
	turn.ask([call], ([decision]) => {
		turn.next();
		answer(turn, verdict(decision));
	});
}

/**
 * An agent that exists for one chat: uses the first tool whose name the message mentions; else it
 * is structured, if it has a schema and may finish; else it has a memory.
 */
export const adHocAgent: Pick<SandboxAgent, 'take'> = {
	take(turn) {
		const { config, text: said } = turn;
		const tool = asArray(config['tools'])
			.filter(isRecord)
			.find((one) => said.includes(text(one['name'])));
		const schema = config['output_schema'];
		const finishes = asRecord(config['internal_tools'])['finish'] === true;
		if (tool) {
			askFor(turn, tool);
		} else if (isRecord(schema) && finishes && !said.includes('(no finish)')) {
			turn.after(pace(turn), () => turn.finish(example(schema, said)));
		} else {
			const prompt = text(config['system_prompt']);
			answer(turn, `${prompt === '' ? '' : `[${prompt}] `}${remember(turn)}`);
		}
	},
};
