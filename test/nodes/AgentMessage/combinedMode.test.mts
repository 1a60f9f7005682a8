/** Files that go with a message in n8n's combined binary mode, in which they stand in the JSON. */
import type { IBinaryData, IDataObject, INodeExecutionData } from 'n8n-workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { useFileBinaryData } from '../../engine/engine.mts';
import { jsonOf, useSandbox } from '../../engine/support.mts';
import { inStorage } from '../../shared/files/support.mts';
import { attach, sent } from './support.mts';

const sandbox = useSandbox();
const bytes = Buffer.from('a picture');

beforeAll(async () => await useFileBinaryData());

describe("in n8n's combined binary mode a file", () => {
	const combined = { settings: { binaryMode: 'combined' } } as const;
	const itemWith = (photo: IBinaryData): INodeExecutionData => ({
		json: { _files: { photo: { ...photo } as unknown as IDataObject } },
	});

	it.each([
		'photo',
		'_files.photo',
		'={{ $json._files.photo }}',
		"={{ $('Start').item._files.photo }}",
	])('goes with the message: %s', async (file) => {
		const run = await attach(sandbox(), [file], itemWith(await inStorage(bytes)), combined);
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toMatchObject([{ text: 'Got photo.png.' }]);
	});

	it('of a wrong name is refused with the names that there are', async () => {
		const run = await attach(sandbox(), ['foto'], itemWith(await inStorage(bytes)), combined);
		expect(run.error?.description).toContain('The item has the binary fields photo.');
		expect(sent(sandbox())).toBe(0);
	});
});
