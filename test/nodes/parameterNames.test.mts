/** Errors call the parameters of every node what its panel calls them. */
import type { INodeParameters, INodeProperties, INodeType } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { AgentMessage } from '../../nodes/AgentMessage/AgentMessage.node.ts';
import { Batch } from '../../nodes/Batch/Batch.node.ts';
import { RunApp } from '../../nodes/RunApp/RunApp.node.ts';
import { StreamTask } from '../../nodes/StreamTask/StreamTask.node.ts';
import { runNode } from '../engine/engine.mts';
import { appRef, credentialsOf, jsonOf, useSandbox } from '../engine/support.mts';

const sandbox = useSandbox();
const NODES: ReadonlyArray<readonly [name: string, node: INodeType, enough: INodeParameters]> = [
	['Run App', new RunApp(), { app: appRef('sandbox/echo'), inputMode: 'item' }],
	['Batch', new Batch(), { app: appRef('sandbox/echo'), inputMode: 'item' }],
	['Stream Task', new StreamTask(), { app: appRef('sandbox/echo'), inputMode: 'item' }],
	['Agent Message', new AgentMessage(), { agent: appRef('sandbox/assistant'), message: 'hi' }],
];

/** Parameters that every value of the test is wrong for, and whether they are among the Options. */
function* picky({ description }: INodeType): Generator<[INodeProperties, boolean]> {
	for (const property of description.properties) {
		if (property.type === 'number') yield [property, false];
		if (property.name !== 'options') continue;
		for (const option of property.options ?? []) {
			if ('type' in option && ['number', 'dateTime'].includes(option.type)) yield [option, true];
		}
	}
}

describe.each(NODES)('an error of %s', (_name, node, enough) => {
	it.each([...picky(node)].map(([property, isOption]) => ({ ...property, isOption })))(
		'calls $name what the panel calls it: $displayName',
		async ({ name, displayName, isOption, displayOptions }) => {
			const shown = Object.entries(displayOptions?.show ?? {}).filter(
				([key]) => !/^[@/]/.test(key),
			);
			const needed = Object.fromEntries(shown.map(([key, values]) => [key, values?.[0]]));
			const own: INodeParameters = { session: 'new', downloadFiles: true, [name]: '={{ "much" }}' };
			const isOld = displayOptions?.show?.['@version']?.[0] === 1;
			const run = await runNode({
				node,
				...(isOld && { nodeFields: { typeVersion: 1 } }),
				credentials: credentialsOf(sandbox()),
				items: [{}],
				parameters: {
					...enough,
					...(needed as INodeParameters),
					...(isOption ? { options: own } : { [name]: own[name] ?? null }),
				},
			});
			const said = run.error?.message ?? JSON.stringify(jsonOf(run, 1));
			expect(said.replaceAll('\\"', '"')).toContain(`Parameter "${displayName}" must be `);
			expect(sandbox().tasks()).toEqual([]);
		},
	);
});
