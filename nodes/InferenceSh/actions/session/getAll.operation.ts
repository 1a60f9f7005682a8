import { listIn } from '../../../client/api/paging';
import { textOf, type JsonObject } from '../../../client/util/json';
import type { Operation } from '../../operation';
import { simplifyProperty } from '../../properties';
import { shown } from '../../view';
import { sessionView } from './sessionView';

/** What does not say that it is over is taken to go on. */
function isOver({ status, ended_at: endedAt }: JsonObject): boolean {
	const word = textOf(status)?.toLowerCase();
	return word === undefined ? textOf(endedAt) !== undefined : word !== 'active';
}

/** The service gives them all at once. */
export const getSessions: Operation = {
	kind: 'request',
	name: 'Get Many',
	value: 'getAll',
	action: 'Get many sessions',
	description: 'List the sessions of the workspace',
	properties: [
		{
			displayName: 'Only Active',
			name: 'onlyActive',
			type: 'boolean',
			default: true,
			description: 'Whether to leave out sessions that have ended or expired',
		},
		simplifyProperty,
	],
	async execute({ reach }, item) {
		const simplify = item.get('simplify', true).isOn();
		const onlyActive = item.get('onlyActive', true).isOn();
		const rows = await reach.read('/sessions', listIn);
		return rows
			.filter((row) => !onlyActive || !isOver(row))
			.map((row) => ({ json: shown(sessionView, row, simplify) }));
	},
};
