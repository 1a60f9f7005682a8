/** What the tests of items with keys of their own share. */
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { RecordedRequest, Sandbox, SandboxWorkspace } from '../../sandbox/index.mts';
import { FROM_ITEM, type RunAppOptions } from '../../engine/support.mts';

/** The workspaces of two customers. */
export interface Tenants {
	readonly a: SandboxWorkspace;
	readonly b: SandboxWorkspace;
}

let made = 0;

/** Two new customers: what a process remembers of a key must not reach from test to test. */
export function tenantsOf(sandbox: Sandbox): Tenants {
	made += 1;
	return {
		a: sandbox.workspace(`inf_sandbox_a${made}`),
		b: sandbox.workspace(`inf_sandbox_b${made}`),
	};
}

/** A credential that takes its key from the item. */
export function keyOfItem(sandbox: Sandbox): IDataObject {
	return { apiKey: '={{ $json.key }}', baseUrl: sandbox.url };
}

/** Runs each item's app with its input, under its key. */
export function underOwnKeys(sandbox: Sandbox): RunAppOptions {
	return { ...FROM_ITEM, credentials: keyOfItem(sandbox) };
}

/** An item of a customer. */
export function job(
	{ apiKey: key }: Pick<SandboxWorkspace, 'apiKey'>,
	app = 'sandbox/echo',
	input: IDataObject = { of: key },
): IDataObject {
	return { key, app, input };
}

/** The keys of requests for a method and path, in the order in which they arrived. */
export function keysOf(sandbox: Sandbox, method: string, path: RegExp): string[] {
	return sandbox.requests
		.filter((request) => request.method === method && path.test(request.path))
		.map(keyOf);
}

export function keyOf({ headers }: RecordedRequest): string {
	return (headers['authorization'] ?? '').replace('Bearer ', '');
}

/** Notes for which items n8n is asked for the credential; `give` may answer in its place. */
export function spyOnCredentials(
	onAsked: (itemIndex: number | undefined) => void,
	give?: (itemIndex: number, given: () => Promise<IDataObject>) => Promise<IDataObject>,
): (context: IExecuteFunctions) => void {
	return (context) => {
		const original = context.getCredentials.bind(context);
		Object.assign(context, {
			getCredentials: async (type: string, itemIndex?: number) => {
				onAsked(itemIndex);
				const given = async () => await original<IDataObject>(type, itemIndex);
				return await (give && itemIndex !== undefined ? give(itemIndex, given) : given());
			},
		});
	};
}
