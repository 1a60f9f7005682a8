/** Whose files n8n's records in the JSON of items may name: anybody can write such a record. */
import type {
	IDataObject,
	IExecuteFunctions,
	INode,
	INodeExecutionData,
	INodeType,
	WorkflowExecuteMode,
} from 'n8n-workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { RunApp } from '../../../nodes/RunApp/RunApp.node.ts';
import { CORE_NODES } from '../../engine/coreNodes.mts';
import { NODE_NAME, runWorkflow, useFileBinaryData } from '../../engine/engine.mts';
import { appRef, credentialsOf, submissions, useSandbox } from '../../engine/support.mts';
import { filledIn } from '../formSupport.mts';
import { binaryFiles, inStorage } from './support.mts';

const sandbox = useSandbox();
const bytes = Buffer.from('the bytes of a file');
beforeAll(async () => await useFileBinaryData());

interface Case {
	readonly parameters: IDataObject;
	readonly start: INodeExecutionData;
	readonly mode?: WorkflowExecuteMode;
	readonly executionId?: string;
	readonly binaryMode?: 'combined' | 'separate';
	/** Whether the node before has called a sub-workflow. */
	readonly hasSubWorkflow?: boolean;
}

/** Says, as Execute Sub-workflow does, which execution its items come from. */
class SubWorkflow implements INodeType {
	description: INodeType['description'] = {
		...new RunApp().description,
		name: 'sub',
		properties: [],
		credentials: [],
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		this.setMetadata({ subExecution: { workflowId: 'w', executionId: '9' } });
		return [this.getInputData()];
	}
}

async function run({ parameters, start, binaryMode = 'combined', hasSubWorkflow, ...how }: Case) {
	const base = { typeVersion: 1, position: [0, 0] } satisfies Partial<INode>;
	return await runWorkflow({
		nodes: [
			{
				...base,
				id: 's',
				name: 'Start',
				type: hasSubWorkflow ? 'our.sub' : 'n8n-nodes-base.noOp',
				parameters: {},
			},
			{
				...base,
				id: 'n',
				name: NODE_NAME,
				type: 'our.node',
				typeVersion: 2,
				parameters: {
					app: appRef('sandbox/file-info'),
					options: {},
					...parameters,
				} as INode['parameters'],
				credentials: { inferenceShApi: { id: '1', name: 'Test' } },
			},
		],
		connections: { Start: { main: [[{ node: NODE_NAME, type: 'main', index: 0 }]] } },
		nodeTypes: { ...CORE_NODES, 'our.node': new RunApp(), 'our.sub': new SubWorkflow() },
		credentials: credentialsOf(sandbox()),
		settings: { binaryMode },
		startItems: [start],
		...how,
	});
}

const ITEM = { inputMode: 'item' };
/** Where n8n has put a file: `filesystem-v2:workflows/W/executions/E/binary_data/F`. */
const executionOf = (id = '') => /\/executions\/([^/]+)\//.exec(id)?.[1] ?? '';
/** The record of a file as a caller of a webhook could write it. */
const forged = (id: string): IDataObject => ({ mimeType: 'image/png', fileName: 'x.png', id });

async function expectRefused(done: Awaited<ReturnType<typeof run>>): Promise<void> {
	expect(done.error?.message).toMatch(/^Parameter ".*" names a file of another execution/);
	expect(sandbox().files()).toEqual([]);
	expect(submissions(sandbox())).toEqual([]);
}

describe('a record in the JSON of an item, in production', () => {
	const PLACES: ReadonlyArray<readonly [string, IDataObject, (file: IDataObject) => IDataObject]> =
		[
			['anywhere in an incoming item', ITEM, (file) => ({ body: { deep: [{ file }] } })],
			[
				'in JSON',
				{ inputMode: 'json', jsonInput: '={{ $json.body }}' },
				(file) => ({ body: { file } }),
			],
			['by its name', filledIn({ file: 'body.file' }), (file) => ({ body: { file } })],
			['in the list of files', filledIn({ file: 'photo' }), (photo) => ({ _files: { photo } })],
			[
				'by an expression',
				filledIn({ file: '={{ $json.body.file }}' }),
				(file) => ({ body: { file } }),
			],
			[
				'among Files From Binary Data',
				{ inputMode: 'json', jsonInput: '{}', ...binaryFiles({ file: 'photo' }) },
				(photo) => ({ photo }),
			],
		];

	it.each(PLACES)(
		'%s may not name a file of another execution',
		async (_place, parameters, json) => {
			const { id = '' } = await inStorage(bytes);
			const start = { json: json(forged(id)) };
			await expectRefused(await run({ parameters, start, mode: 'webhook', executionId: 'mine' }));
		},
	);

	it.each(PLACES)('%s names a file of its own execution', async (_place, parameters, json) => {
		const { id = '' } = await inStorage(bytes);
		const start = { json: json(forged(id)) };
		const done = await run({ parameters, start, mode: 'webhook', executionId: executionOf(id) });
		expect(done.error?.message ?? '').not.toContain('another execution');
		expect(sandbox().files()).toHaveLength(1);
	});

	it.each([
		'/binary_data/../../../../../../config',
		'/binary_data/a/../../../secret',
		'/../../others/binary_data/f',
		'',
	])('may not lead out of its execution: %s', async (rest) => {
		const { id = '' } = await inStorage(bytes);
		const [own = ''] = id.split('/binary_data/');
		const start = { json: { file: forged(own + rest) } };
		await expectRefused(
			await run({ parameters: ITEM, start, mode: 'webhook', executionId: executionOf(id) }),
		);
	});

	it('may not name a file of another workflow, in the editor either', async () => {
		const { id = '' } = await inStorage(bytes);
		const start = { json: { file: forged(id.replace(/workflows\/[^/]+/, 'workflows/other')) } };
		await expectRefused(await run({ parameters: ITEM, start, mode: 'manual' }));
	});

	it('is refused where nobody has named it and n8n does not say whose file it is', async () => {
		const start = { json: { file: forged('database:5f3c2a6e-0b1d-4c3e-9f00-1d2e3f4a5b6c') } };
		const done = await run({ parameters: ITEM, start, mode: 'webhook' });
		expect(done.error?.message).toMatch(
			/^Parameter "file" has a record of a file, and n8n does not say whose it is \[item 0\]$/,
		);
		expect(done.error?.description).toContain('"Files From Binary Data"');
		expect(submissions(sandbox())).toEqual([]);
	});

	it('may not name one in separate binary mode either', async () => {
		const { id = '' } = await inStorage(bytes);
		await expectRefused(
			await run({
				parameters: filledIn({ file: '={{ $json.body.file }}' }),
				start: { json: { body: { file: forged(id) } } },
				mode: 'webhook',
				executionId: 'mine',
				binaryMode: 'separate',
			}),
		);
	});
});

describe('what n8n has put there is taken', () => {
	it('from an earlier execution of the workflow, in the editor', async () => {
		const { id = '' } = await inStorage(bytes);
		const done = await run({ parameters: ITEM, start: { json: { file: forged(id) } } });
		expect(done.error).toBeUndefined();
	});

	it.each(['mine', 'temp'])(
		'by a webhook, before or after its execution has a number: %s',
		async (execution) => {
			const { id = '' } = await inStorage(bytes);
			const known = id.replace(/executions\/[^/]+/, `executions/${execution}`);
			const start = { json: { file: forged(known) } };
			const done = await run({ parameters: ITEM, start, mode: 'webhook', executionId: 'mine' });
			// Nothing is stored there; what counts is that n8n was asked.
			expect(done.error?.message).toContain('n8n has lost the given one');
		},
	);

	it('of the item itself, wherever it comes from', async () => {
		const data = await inStorage(bytes);
		const done = await run({
			parameters: filledIn({ file: 'data' }),
			start: { json: {}, binary: { data } },
			mode: 'webhook',
			executionId: 'mine',
			binaryMode: 'separate',
		});
		expect(done.error).toBeUndefined();
	});

	it('by name in a sub-workflow, whose items have the files of its caller', async () => {
		const { id = '' } = await inStorage(bytes);
		const done = await run({
			parameters: filledIn({ file: 'photo' }),
			start: { json: { _files: { photo: forged(id) } } },
			mode: 'integrated',
			executionId: 'mine',
		});
		expect(done.error).toBeUndefined();
	});

	it('by name after a sub-workflow, whose files come back with its items', async () => {
		const { id = '' } = await inStorage(bytes);
		const start = { json: { _files: { photo: forged(id) } } };
		const asked = { start, mode: 'webhook', executionId: 'mine', hasSubWorkflow: true } as const;
		const named = await run({ ...asked, parameters: filledIn({ file: 'photo' }) });
		expect(named.error).toBeUndefined();
		const found = await run({ ...asked, parameters: ITEM, start: { json: { file: forged(id) } } });
		expect(found.error?.message).toContain('n8n does not say whose it is');
	});
});
