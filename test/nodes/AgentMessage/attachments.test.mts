/** Files that go with a message. */
import type { INodeExecutionData } from 'n8n-workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { useFileBinaryData } from '../../engine/engine.mts';
import { jsonOf, useSandbox } from '../../engine/support.mts';
import { inMemory, inStorage } from '../../shared/files/support.mts';
import { attach, sent } from './support.mts';

const sandbox = useSandbox();
const bytes = Buffer.from('a picture');

beforeAll(async () => await useFileBinaryData());

describe.each([
	['in storage', async (name: string) => await inStorage(bytes, name)],
	['in the item', async (name: string) => await Promise.resolve(inMemory(bytes, name))],
])('a file %s', (_where, keep) => {
	it.each(['photo', '={{ $binary.photo }}', "={{ $('Start').item.binary.photo }}"])(
		'goes with the message: %s',
		async (file) => {
			const other = inMemory(Buffer.from('other'), 'other.png');
			const run = await attach(sandbox(), [file], {
				json: {},
				binary: { other, photo: await keep('photo.png') },
			});
			expect(run.error).toBeUndefined();
			expect(jsonOf(run)).toMatchObject([{ text: 'Got photo.png.' }]);
			expect(sandbox().files()).toMatchObject([{ size: bytes.length }]);
		},
	);
});

it.each(['={{ $binary }}', '={{ $input.item.binary }}', '={{ Object.values($binary) }}'])(
	'all files of an item go with the message: %s',
	async (files) => {
		const binary = { photo: inMemory(bytes, 'photo.png'), scan: inMemory(bytes, 'scan.png') };
		const run = await attach(sandbox(), [files], { json: {}, binary });
		expect(run.error).toBeUndefined();
		expect(sandbox().files()).toHaveLength(2);
	},
);

describe('a file that cannot be found', () => {
	const item = (): INodeExecutionData => ({
		json: {},
		binary: { photo: inMemory(bytes, 'photo.png'), scan: inMemory(Buffer.from('x'), 'x.pdf') },
	});

	it.each([
		['foto', 'the item has no binary field "foto"'],
		['={{ $binary.foto }}', 'is empty'],
		['={{ $json.nothing }}', 'is empty'],
	])('is refused with the names that there are: %s', async (file, problem) => {
		const run = await attach(sandbox(), ['photo', file], item());
		expect(run.error?.message).toContain(problem);
		expect(run.error?.description).toContain('The item has the binary fields photo, scan.');
		// Nothing is uploaded for a message that will not be sent.
		expect(sandbox().files()).toEqual([]);
		expect(sent(sandbox())).toBe(0);
	});

	it.each(['={{ [$binary.photo, 1] }}', '={{ [] }}', '={{ ({ a: 1 }) }}'])(
		'because it is none is told apart: %s',
		async (file) => {
			const run = await attach(sandbox(), [file], item());
			expect(run.error?.message).toContain(
				'Parameter "Input Data Field Name" must be the name of a binary field, or an expression that gives a file',
			);
			expect(run.error?.description).toBe('The item has the binary fields photo, scan.');
		},
	);

	it('because another one looks the same is not guessed', async () => {
		const twins = { a: inMemory(bytes), b: inMemory(Buffer.from('other')) };
		const run = await attach(sandbox(), ['={{ $binary.a }}'], { json: {}, binary: twins });
		expect(run.error?.message).toContain('no binary field like the given one');
		expect(run.error?.description).toContain('a, b');
		expect(sent(sandbox())).toBe(0);
	});
});
