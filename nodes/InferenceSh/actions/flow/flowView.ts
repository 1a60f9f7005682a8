import { flowFromWire } from '../../../client/flows/flow';
import { isJsonObject } from '../../../client/util/json';
import { locatorProperty } from '../../../shared/editor/descriptions/locator';
import { fieldsOf, named, referenceOf, type View } from '../../view';

export const flowProperty = locatorProperty(
	{ displayName: 'Flow', name: 'flow', required: true, description: 'The flow that is meant' },
	'searchFlows',
	{ displayName: 'By Reference or ID', name: 'ref', placeholder: 'e.g. my-org/make-poster' },
);

export const flowView: View = {
	errorName: 'flow_error',
	short(wire) {
		const properties = flowFromWire(wire)?.input?.['properties'];
		return {
			...named({ id: wire['id'], flow: referenceOf(wire) }),
			...fieldsOf(wire, ['title', 'description', 'version_id', 'created_at', 'updated_at']),
			inputs: isJsonObject(properties) ? Object.keys(properties) : [],
		};
	},
};
