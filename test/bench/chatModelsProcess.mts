/**
 * One language model asked through two nodes in n8n's own engine, in turns: this package's, and n8n's
 * for OpenAI with the service's base URL. It says where it has tried to connect to, too.
 */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { subscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import path from 'node:path';
import type { IDataObject, INodeParameters, INodeType } from 'n8n-workflow';
import { answerOf, runAsking } from '../engine/askingNode.mts';
import type { Asked, ModelName } from './chatModels.mts';
import { machineTime } from './clock.mts';

const [dist = '', url = '', apiKey = '', question = '', turns = '0'] = process.argv.slice(2);
/** The folder of an installed n8n; the engine comes from there, too. */
const host = process.env['N8N_HOST'] ?? '';
const require = createRequire(path.join(host, 'host.js'));

const MODEL = 'bench/answering';
const OPENAI = 'dist/nodes/llms/LMChatOpenAi/LmChatOpenAi.node.js';
const { LmChatOpenAi } = require(
	path.join(host, 'node_modules/@n8n/n8n-nodes-langchain', OPENAI),
) as { LmChatOpenAi: new () => INodeType };
const { LmChatInferenceSh } = require(
	path.join(dist, 'nodes/LmChatInferenceSh/LmChatInferenceSh.node.js'),
) as { LmChatInferenceSh: new () => INodeType };

/** Hosts whose names were looked up: the service has none, here. */
const lookedUp = new Set<string>();
subscribe('net.client.socket', (message) => {
	const { socket } = message as { socket: Socket };
	socket.on('lookup', (_error, _address, _family, host) => void lookedUp.add(host));
});

interface Way {
	readonly modelNode: INodeType;
	readonly parameters: INodeParameters;
}

const WAYS: Readonly<Record<ModelName, Way>> = {
	ours: {
		modelNode: new LmChatInferenceSh(),
		parameters: { model: { __rl: true, mode: 'ref', value: MODEL } },
	},
	openai: {
		modelNode: new LmChatOpenAi(),
		parameters: {
			model: { __rl: true, mode: 'id', value: MODEL },
			// The service has no other dialect of OpenAI than that of chat completions.
			responsesApiEnabled: false,
		},
	},
};

/** Asks once, in an execution of its own, as a message in a chat is. */
async function ask(way: Way): Promise<Asked> {
	const run = await runAsking<BaseChatModel>(
		async (model) => {
			const askedAt = machineTime();
			const pieces: Array<{ saidAt: number; gotAt: number }> = [];
			for await (const { text } of await model.stream(question)) {
				const gotAt = machineTime();
				// Words that have come together are as late as the first of them.
				const saidAt = Number(text.split(' ')[0]);
				if (saidAt > 0) pieces.push({ saidAt, gotAt });
			}
			return { askedAt, pieces };
		},
		{ ...way, mode: 'trigger', credentials: { apiKey, baseUrl: url, url: `${url}/models/openai` } },
	);
	return answerOf(run) as IDataObject & Asked;
}

const asked: Record<ModelName, Asked[]> = { ours: [], openai: [] };
for (let turn = -2; turn < Number(turns); turn += 1) {
	for (const name of ['ours', 'openai'] as const) {
		const answer = await ask(WAYS[name]);
		// The first ones load what is needed.
		if (turn >= 0) asked[name].push(answer);
	}
}
process.send?.({ asked, lookedUp: [...lookedUp] }, () => process.exit(0));
