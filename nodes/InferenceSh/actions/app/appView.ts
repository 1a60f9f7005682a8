import type { IDataObject } from 'n8n-workflow';
import { path } from '../../../client/api/api';
import { appFromWire } from '../../../client/apps/appInfo';
import { appName, parseAppRef, type AppRef } from '../../../client/apps/appRef';
import { isJsonObject, type JsonObject } from '../../../client/util/json';
import { appProperty } from '../../../shared/editor/descriptions/app';
import type { ItemParameters } from '../../../shared/parameters/itemParameters';
import { fieldsOf, named, referenceOf, type View } from '../../view';

export const anyAppProperty = { ...appProperty, description: 'The app that is meant' };

/**
 * The app that an item names.
 *
 * @throws NodeOperationError
 */
export function readApp(item: ItemParameters): AppRef {
	const app = item.picked('app');
	const ref = parseAppRef(app.text());
	if (!ref) throw app.mismatch('a reference like namespace/name[@version][:function]');
	return ref;
}

/** The route of an app as it is now. */
export function appRoute({ app }: AppRef): string {
	return path('apps', ...appName(app).split('/'));
}

function functionsOf(wire: JsonObject): readonly IDataObject[] {
	return appFromWire(wire).functions.map(({ name, description, input }) => {
		const inputs = isJsonObject(input?.['properties']) ? Object.keys(input['properties']) : [];
		return named({ name, description, inputs });
	});
}

const FIELDS = ['title', 'description', 'category', 'status', 'status_message', 'version_id'];

/** An app as lists have it. */
export const appView: View = {
	errorName: 'app_error',
	short: (wire) => ({
		...named({ id: wire['id'], app: referenceOf(wire) }),
		...fieldsOf(wire, FIELDS.slice(0, 3)),
	}),
};

/** An app with its current version. */
export const wholeAppView: View = {
	errorName: 'app_error',
	short: (wire) => ({
		...named({ id: wire['id'], app: referenceOf(wire) }),
		...fieldsOf(wire, FIELDS),
		functions: [...functionsOf(wire)],
	}),
};
