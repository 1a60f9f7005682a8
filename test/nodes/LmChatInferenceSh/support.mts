/** What the tests with n8n's adapter share. */
import { createRequire } from 'node:module';
import path from 'node:path';
import type * as LangChain from '@langchain/core/messages';

// The copy of LangChain that n8n's adapter uses.
const utilities = createRequire(import.meta.url).resolve('@n8n/ai-utilities');
const require = createRequire(utilities);
// To count tokens n8n loads a table for seconds. What it counts is only shown if a model tells nothing.
const estimator = require(
	path.join(path.dirname(utilities), 'utils/tokenizer/token-estimator.js'),
) as { estimateTokensFromStringList: () => Promise<number> };
/** What n8n estimates, whatever was said. */
export const ESTIMATE = 4711;
estimator.estimateTokensFromStringList = async () => ESTIMATE;
export const messages = require('@langchain/core/messages') as typeof LangChain;

/** Tools as n8n gives them, by their names. */
export const tool = (name: string) => ({
	type: 'function' as const,
	function: {
		name,
		description: `Does ${name}`,
		parameters: {
			type: 'object',
			properties: { x: { type: 'integer', 'x-kept': [1, { deep: null }] } },
			required: ['x'],
			additionalProperties: false,
			$schema: 'http://json-schema.org/draft-07/schema#',
		},
	},
});

/** Quick words for the scripted model. */
export const QUICKLY = 'think 1 ms every 1 ms';
