/** Forms as the editor gets them, and as it saves them when they have been filled in. */
import type {
	IDataObject,
	INodeParameters,
	ResourceMapperField,
	ResourceMapperFields,
} from 'n8n-workflow';
import { RunApp } from '../../nodes/RunApp/RunApp.node.ts';
import type { Sandbox } from '../sandbox/index.mts';
import { loadOptionsContext } from '../engine/engine.mts';
import { appRef, credentialsOf } from '../engine/support.mts';

/** The app with a field of every kind. */
export const STUDIO = 'sandbox/studio';

/** What the editor gets for a form. */
export async function formOf(
	sandbox: Pick<Sandbox, 'url' | 'apiKey'>,
	parameters: INodeParameters,
): Promise<ResourceMapperFields> {
	const node = new RunApp();
	const context = loadOptionsContext({ node, parameters, credentials: credentialsOf(sandbox) });
	return await node.methods.resourceMapping.getInputFields.call(context);
}

/** A filled-in form as a workflow has it; by hand: without what the editor remembers of fields. */
export function filledIn(values: IDataObject, schema: ResourceMapperField[] = []): INodeParameters {
	const shown = schema.filter(
		({ removed, defaultValue }) => !removed && defaultValue !== undefined,
	);
	const defaults = Object.fromEntries(shown.map(({ id, defaultValue }) => [id, defaultValue]));
	const value = { ...defaults, ...values };
	const mapper = { mappingMode: 'defineBelow', matchingColumns: [], schema, value };
	return { inputMode: 'fields', fields: mapper as unknown as INodeParameters };
}

/** A form of an app, filled in with the editor. */
export async function filledInEditor(
	sandbox: Pick<Sandbox, 'url' | 'apiKey'>,
	app: string,
	values: IDataObject,
): Promise<INodeParameters> {
	const { fields } = await formOf(sandbox, { app: appRef(app), options: {} });
	return filledIn(values, fields);
}
