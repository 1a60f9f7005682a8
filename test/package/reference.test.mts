/** Whether the documentation has every parameter, every option and every code of an error. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { INodeProperties, INodeTypeDescription } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { AgentMessage } from '../../nodes/AgentMessage/AgentMessage.node.ts';
import { Batch } from '../../nodes/Batch/Batch.node.ts';
import { InferenceSh } from '../../nodes/InferenceSh/InferenceSh.node.ts';
import { InferenceShTrigger } from '../../nodes/InferenceShTrigger/InferenceShTrigger.node.ts';
import { RunApp } from '../../nodes/RunApp/RunApp.node.ts';
import { StreamTask } from '../../nodes/StreamTask/StreamTask.node.ts';
import { ROOT } from './pack.mts';

const read = (...parts: string[]) => readFile(path.join(ROOT, ...parts), 'utf8');

/** Names of what a person can set, as the panel shows them, without their units. */
function namesOf(properties: INodeTypeDescription['properties']): readonly string[] {
	return properties
		.filter(({ type }) => type !== 'notice' && type !== 'hidden')
		.flatMap((property) => {
			const inner = (property.options ?? []).filter(
				(option): option is INodeProperties => 'displayName' in option && 'type' in option,
			);
			return property.type === 'collection' ? namesOf(inner) : [property.displayName];
		})
		.map((name) => name.replace(/ \(.*\)$/, ''));
}

describe('every parameter is documented', () => {
	it.each([
		['run-app', new RunApp(), []],
		['batch', new Batch(), ['run-app']],
		['stream-task', new StreamTask(), ['run-app']],
		['agent-message', new AgentMessage(), []],
		['workspace', new InferenceSh(), []],
		['trigger', new InferenceShTrigger(), []],
	])('of %s', async (own, node, others) => {
		const names = [own, ...others, 'options', 'forms', 'files', 'waiting', 'reliability'];
		const pages = await Promise.all(names.map((name) => read('docs', `${name}.md`)));
		const missing = namesOf(node.description.properties).filter(
			(name) => !pages.some((page) => page.includes(name)),
		);
		expect(missing).toEqual([]);
	});
});

it('every code of an error is documented', async () => {
	const sources = globSync('nodes/**/*.ts', { cwd: ROOT });
	const code = (await Promise.all(sources.map((file) => read(file)))).join('\n');
	const codes = [...code.matchAll(/\bcode(?:: | = )'([a-z_]+)'/g)].flatMap(
		([, name]) => name ?? [],
	);
	codes.push('invalid_parameter', 'unexpected');
	const page = await read('docs', 'errors.md');
	expect(codes.filter((name) => !page.includes(`| \`${name}\``))).toEqual([]);
});
