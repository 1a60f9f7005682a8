import { isJsonObject, listOf, textOf } from '../../../client/util/json';
import { fieldsOf, named, referenceOf, type View } from '../../view';

export const agentView: View = {
	errorName: 'agent_error',
	short(wire) {
		const version = isJsonObject(wire['version']) ? wire['version'] : {};
		const core = isJsonObject(version['core_app']) ? version['core_app'] : {};
		const tools = listOf(version['tools']).filter(isJsonObject);
		return {
			...named({ id: wire['id'], agent: referenceOf(wire) }),
			...fieldsOf(wire, ['title']),
			...named({
				description: textOf(version['description']) ?? textOf(wire['description']),
				core_app: textOf(core['ref']),
				tools: tools.map(({ name }) => textOf(name) ?? '?'),
			}),
			...fieldsOf(wire, ['version_id', 'updated_at']),
		};
	},
};
