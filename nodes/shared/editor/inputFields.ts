import {
	isResourceMapperValue,
	sleep,
	type ILoadOptionsFunctions,
	type ResourceMapperField,
	type ResourceMapperFields,
} from 'n8n-workflow';
import {
	readForm,
	type Choice,
	type FieldKind,
	type Form,
	type FormField,
} from '../../client/apps/inputSchema';
import { outcomeOf } from '../../client/util/outcome';
import { displayNameOf, formOf } from '../parameters/appForm';
import { adviceOn, askService, chosenApp, currentText } from './editorQuery';
import { withoutFullStop } from '../../client/api/problem';
import { messageOf } from '../../client/util/errorMessage';

/** Of a form without any field that has to be shown, so many are. */
const SHOWN_AT_LEAST = 6;

/** n8n takes what begins with an equals sign for an expression. The space is dropped again. */
const editorChoice = (choice: Choice) =>
	typeof choice === 'string' && choice.startsWith('=') ? ` ${choice}` : choice;

/** n8n's type for a field, and its default as n8n wants it. */
function editorType(kind: FieldKind, value: unknown): Partial<ResourceMapperField> {
	const text = typeof value === 'string' ? value : JSON.stringify(value);
	const defaultValue = text === undefined ? {} : { defaultValue: text };
	switch (kind.type) {
		case 'number':
			return { type: 'number', ...(typeof value === 'number' ? { defaultValue: value } : {}) };
		case 'boolean':
			return { type: 'boolean', ...(typeof value === 'boolean' ? { defaultValue: value } : {}) };
		case 'choice': {
			const options = kind.choices.map((one) => ({ name: String(one), value: editorChoice(one) }));
			const choice = kind.choices.find((one) => one === value);
			return {
				type: 'options',
				options,
				...(choice === undefined ? {} : { defaultValue: editorChoice(choice) }),
			};
		}
		case 'list':
			return { type: kind.items.type === 'file' ? 'string' : 'array', ...defaultValue };
		case 'object':
			return { type: 'object', ...defaultValue };
		default:
			return { type: 'string', ...defaultValue };
	}
}

/** A form as n8n shows it: what is neither required nor promoted waits behind "Add field". */
export function mapperFields({ fields }: Form): ResourceMapperField[] {
	const isShown = (field: FormField) => field.required || field.promoted;
	const some = fields.some(isShown);
	return fields.map((field, index) => ({
		id: field.id,
		displayName: displayNameOf(field),
		required: field.required && field.default === undefined,
		defaultMatch: false,
		canBeUsedToMatch: false,
		display: true,
		removed: some ? !isShown(field) : index >= SHOWN_AT_LEAST,
		...editorType(field.kind, field.default),
	}));
}

const nothing = (emptyFieldsNotice: string) => ({ fields: [], emptyFieldsNotice });

/** The form of something that cannot be read. */
function unreadable(
	context: ILoadOptionsFunctions,
	ref: string,
	error: unknown,
	mode: 'App Input' | 'Flow Input',
): ResourceMapperFields {
	// Without its saved fields the editor would throw away what has been filled in.
	const saved = context.getCurrentNodeParameter('fields');
	return {
		fields: isResourceMapperValue(saved) ? saved.schema : [],
		emptyFieldsNotice: `The inputs of ${ref} cannot be loaded: ${withoutFullStop(messageOf(error))}. ${adviceOn(error, `Set "${mode}" to "JSON" to write them by hand`)}`,
	};
}

/** Fills the form of a flow; if it cannot be, the form says why. */
export async function getFlowFields(this: ILoadOptionsFunctions): Promise<ResourceMapperFields> {
	const ref = currentText(this, 'flow');
	if (ref === undefined) return nothing('Choose a flow to see its inputs here.');
	const flow = await outcomeOf(askService(this, async ({ flows }) => await flows.get(ref)));
	if (!flow.ok) return unreadable(this, ref, flow.error, 'Flow Input');
	await sleep(0);
	const form = readForm(flow.value.input ?? {});
	return form.fields.length === 0
		? nothing(`${ref} has no inputs.`)
		: { fields: mapperFields(form) };
}

/** Fills the form of Input Fields; if it cannot be, the form says why. */
export async function getInputFields(this: ILoadOptionsFunctions): Promise<ResourceMapperFields> {
	const ref = chosenApp(this);
	if (!ref) return nothing('Choose an app to see its inputs here.');
	const app = await outcomeOf(askService(this, async ({ apps }) => await apps.get(ref.app)));
	if (!app.ok) return unreadable(this, ref.app, app.error, 'App Input');
	// Reading a large answer has taken its time; others may want to go on.
	await sleep(0);
	const found = formOf(app.value, ref.function);
	if (found.kind === 'unusable') return nothing(`${ref.app} ${found.problem}`);
	return found.form.fields.length === 0
		? nothing(`${ref.app} has no inputs.`)
		: { fields: mapperFields(found.form) };
}
