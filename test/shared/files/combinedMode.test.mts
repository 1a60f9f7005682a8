/** Files of items in n8n's combined binary mode, in which they stand in the JSON. */
import type { IBinaryData, IDataObject, INode, INodeExecutionData } from 'n8n-workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { RunApp } from '../../../nodes/RunApp/RunApp.node.ts';
import { CORE_NODES } from '../../engine/coreNodes.mts';
import { NODE_NAME, runWorkflow, useFileBinaryData } from '../../engine/engine.mts';
import {
	appRef,
	credentialsOf,
	jsonOf,
	objectIn,
	runApp,
	submissions,
	useSandbox,
} from '../../engine/support.mts';
import { filledIn } from '../formSupport.mts';
import { binaryFiles, inMemory, inStorage, sha256 } from './support.mts';

const sandbox = useSandbox();
const bytes = Buffer.from('the bytes of a file');
const app = 'sandbox/file-info';

beforeAll(async () => await useFileBinaryData());

const hash = (run: Awaited<ReturnType<typeof runApp>>) =>
	objectIn(jsonOf(run)[0], 'output')['sha256'];

describe("n8n's combined binary mode", () => {
	/** An item as it comes out of a node there. */
	const item = (file: IBinaryData, json: IDataObject = {}): INodeExecutionData => ({
		json: { ...json, _files: { photo: file as unknown as IDataObject } },
	});

	async function run(parameters: IDataObject, start: INodeExecutionData) {
		const base = { typeVersion: 1, position: [0, 0] } satisfies Partial<INode>;
		const nodes: INode[] = [
			{ ...base, id: 's', name: 'Start', type: 'n8n-nodes-base.noOp', parameters: {} },
			{
				...base,
				id: 'n',
				name: NODE_NAME,
				type: 'our.node',
				typeVersion: 2,
				parameters: { app: appRef(app), options: {}, ...parameters } as INode['parameters'],
				credentials: { inferenceShApi: { id: '1', name: 'Test' } },
			},
		];
		return await runWorkflow({
			nodes,
			connections: { Start: { main: [[{ node: NODE_NAME, type: 'main', index: 0 }]] } },
			nodeTypes: { ...CORE_NODES, 'our.node': new RunApp() },
			credentials: credentialsOf(sandbox()),
			settings: { binaryMode: 'combined' },
			startItems: [start],
		});
	}

	it.each([
		'photo',
		'_files.photo',
		'={{ $json._files.photo }}',
		'={{ $json._files }}',
		"={{ $('Start').item._files.photo }}",
		"={{ $('Start').first()._files.photo }}",
	])('a field of the form takes it: %s', async (value) => {
		const done = await run(filledIn({ file: value }), item(await inStorage(bytes)));
		expect(done.error).toBeUndefined();
		expect(hash(done)).toBe(sha256(bytes));
	});

	it('a file that cannot be told from another one is not guessed', async () => {
		const run = await runApp(sandbox(), {
			app,
			items: [{ json: {}, binary: { a: inMemory(bytes), b: inMemory(Buffer.from('other')) } }],
			parameters: filledIn({ file: '={{ $binary.a }}' }),
		});
		expect(run.error?.message).toContain('no binary field like the given one');
		expect(run.error?.description).toContain('a, b');
		expect(submissions(sandbox())).toEqual([]);
	});

	it('a wrong name is refused with those that there are', async () => {
		const done = await run(filledIn({ file: 'foto' }), item(await inStorage(bytes)));
		expect(done.error?.message).toContain('(which has photo)');
	});

	it("an incoming item does not send n8n's records", async () => {
		const start = item(await inStorage(bytes), { file: 'inf://x', n: 1 });
		const done = await run({ inputMode: 'item' }, start);
		expect(submissions(sandbox())).toMatchObject([{ input: { file: 'inf://x', n: 1 } }]);
		expect(JSON.stringify(submissions(sandbox()))).not.toContain('mimeType');
		expect(sandbox().files()).toEqual([]);
		expect(done.workflow).toBeDefined();
	});

	it('an incoming item sends the file where it stands in its JSON', async () => {
		const file = await inStorage(bytes);
		const done = await run({ inputMode: 'item' }, item(file, { file: file as never }));
		expect(done.error).toBeUndefined();
		expect(hash(done)).toBe(sha256(bytes));
		expect(submissions(sandbox())).toMatchObject([{ input: { file: sandbox().files()[0]?.uri } }]);
	});

	it('Files From Binary Data takes it', async () => {
		const parameters = { inputMode: 'json', jsonInput: '{}', ...binaryFiles({ file: 'photo' }) };
		const done = await run(parameters, item(await inStorage(bytes)));
		expect(done.error).toBeUndefined();
		expect(hash(done)).toBe(sha256(bytes));
	});
});
