import type { CancelSignal } from '../../../client/util/cancelSignal';
import type { Flow } from '../../../client/flows/flow';
import type { FlowRequest } from '../../../client/flows/flowFingerprint';
import { readForm } from '../../../client/apps/inputSchema';
import { fileUploads } from '../../../shared/files/uploads';
import type { FileSlot } from '../../../shared/parameters/fileSlot';
import { readFormValues } from '../../../shared/parameters/formValues';
import type { ItemParameters } from '../../../shared/parameters/itemParameters';
import { readFileSlots, readInput } from '../../../shared/parameters/taskParameters';
import type { ItemRun } from '../../../shared/run/itemRun';

interface FlowInput extends Pick<FlowRequest, 'input'> {
	readonly files: readonly FileSlot[];
}

async function readFlowInput(item: ItemParameters, ref: string, flow: Flow): Promise<FlowInput> {
	const source = readInput(item);
	if (source.kind === 'given') {
		return { input: source.input, files: [...source.files, ...readFileSlots(item)] };
	}
	const form = { kind: 'form', form: readForm(flow.input ?? {}) } as const;
	const forms = { form: async () => await Promise.resolve(form) };
	const whose = { app: ref, called: 'flow', function: undefined, filled: [] } as const;
	return await readFormValues(item, forms, whose);
}

/**
 * What to run for an item, with its files uploaded.
 *
 * @throws NodeOperationError that names the parameter, the item and the bad value; InferenceError
 */
export async function flowRequest(
	{ context, client }: ItemRun,
	item: ItemParameters,
	{ ref, flow }: { readonly ref: string; readonly flow: Flow },
	signal: CancelSignal,
): Promise<FlowRequest> {
	const { input, files } = await readFlowInput(item, ref, flow);
	const request = { flow: flow.id, input };
	const upload = fileUploads(context, client, item.itemIndex, files);
	return upload ? await upload(request, signal) : request;
}
