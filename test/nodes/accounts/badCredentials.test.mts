/** An item whose credential cannot be used costs itself and no other item. */
import type { IDataObject } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { NODE_NAME, type EngineRun } from '../../engine/engine.mts';
import {
	FROM_ITEM,
	jsonOf,
	objectIn,
	runApp,
	type RunAppOptions,
	useSandbox,
} from '../../engine/support.mts';
import type { Sandbox } from '../../sandbox/index.mts';
import { agentMessage } from '../AgentMessage/support.mts';
import { resultOf, runBatch } from '../Batch/support.mts';
import { streamTask } from '../StreamTask/support.mts';
import { spyOnCredentials, tenantsOf } from './support.mts';

const sandbox = useSandbox();

type Runner = (service: Sandbox, options: RunAppOptions) => Promise<EngineRun>;

/** Sends the item's message to the assistant. */
const agents: Runner = async (service, { app: _app, parameters: _parameters, ...options }) =>
	await agentMessage(service, { ...options, message: '={{ $json.input.text }}' });

const ITEM_NODES: ReadonlyArray<readonly [name: string, run: Runner]> = [
	['Run App', runApp],
	['Stream Task', streamTask],
	['Agent Message', agents],
];

interface Bad {
	/** What an item has. */
	readonly item: IDataObject;
	/** The credential, for all items. */
	readonly credentials?: IDataObject;
	readonly said: RegExp;
}

const BAD: Readonly<Record<string, Bad>> = {
	'no key': { item: {}, said: /has no API key/ },
	'an empty key': { item: { key: '  ' }, said: /has no API key/ },
	'a key that is null': { item: { key: null }, said: /has no API key/ },
	'a key that is a number': { item: { key: 12345 }, said: /has an API key that is not a text/ },
	'a key that is an object': { item: { key: { k: 1 } }, said: /an API key that is not a text/ },
	'a key with a line break': {
		item: { key: 'inf_sandbox_a\nX-Other: 1' },
		said: /a line break or a character that no key has/,
	},
	'a key with a hidden character': {
		item: { key: 'inf_\u200bsandbox' },
		said: /a line break or a character that no key has/,
	},
	'an expression that leads nowhere': {
		item: { nested: 1 },
		credentials: { apiKey: '={{ $json.nested ? $json.nested.no.key : $json.key }}' },
		said: /has no API key/,
	},
	'an expression that fails': {
		item: { fails: true },
		credentials: { apiKey: "={{ $json.fails ? $('Nobody').item.json.key : $json.key }}" },
		said: /cannot be read: .*Nobody|cannot be read: .*node/,
	},
	'a base URL of nothing': {
		item: { key: 'inf_x', url: '' },
		said: /a "Base URL" that cannot be used: ""/,
	},
	'a base URL that is none': {
		item: { key: 'inf_x', url: 'api.inference.sh' },
		said: /a "Base URL" that cannot be used: "api.inference.sh"/,
	},
	'a base URL with a password': {
		item: { key: 'inf_x', url: 'https://me:s3cret@host' },
		said: /a "Base URL" that cannot be used: "https:\/\/\*\*\*@host"/,
	},
	'a limit that is none': {
		item: { key: 'inf_x', most: 'many' },
		said: /a "Max Concurrency" that is not a whole number, 0 or higher: "many"/,
	},
};

const url = () => sandbox().url;

/** Three items, of which the middle one is bad. */
function options(bad: Bad): RunAppOptions {
	const { a, b } = tenantsOf(sandbox());
	const good = ({ apiKey: key }: { apiKey: string }) => ({ key, url: url() });
	const items = [good(a), { url: url(), ...bad.item }, good(b)].map((item, n) => ({
		...item,
		app: 'sandbox/echo',
		input: { text: `item ${n}` },
	}));
	return {
		...FROM_ITEM,
		items,
		parameters: { ...FROM_ITEM.parameters, concurrency: 1 },
		credentials: {
			apiKey: '={{ $json.key }}',
			baseUrl: '={{ $json.url }}',
			maxConcurrency: '={{ $json.most }}',
			...bad.credentials,
		},
	};
}

/** Whether there is something of a key or password in what people are shown. */
function secretsIn(texts: unknown): boolean {
	return /inf_|sandbox_a|s3cret|X-Other|12345/.test(JSON.stringify(texts));
}

describe.each(ITEM_NODES)('%s', (_name, run) => {
	it.each(Object.entries(BAD))(
		'with %s: fails that item only, and says why',
		async (_what, bad) => {
			const result = await run(sandbox(), { ...options(bad), onError: 'continueRegularOutput' });
			const [first, second, third] = jsonOf(result);
			expect(first).toMatchObject({ status: 'completed' });
			expect(third).toMatchObject({ status: 'completed' });
			expect(second?.['error']).toMatch(bad.said);
			expect(second?.['details']).toMatchObject({ code: 'invalid_credential', item_index: 1 });
			expect(secretsIn([second, result.hints(NODE_NAME)])).toBe(false);
		},
	);

	it.each(Object.entries(BAD))(
		'with %s and Stop: is the error of that item',
		async (_what, bad) => {
			const { error } = await run(sandbox(), options(bad));
			expect(error?.name).toBe('NodeOperationError');
			expect(error?.message).toMatch(bad.said);
			expect(error?.message).toMatch(/ \[item 1\]$/);
			expect(error).toHaveProperty('context.itemIndex', 1);
			expect(secretsIn([error?.message, error?.description, error?.stack])).toBe(false);
		},
	);

	it('with an error of n8n itself fails that item only', async () => {
		const result = await run(sandbox(), {
			...options({ item: { key: 'inf_x' }, said: /./ }),
			onError: 'continueRegularOutput',
			adjustContext: spyOnCredentials(
				() => {},
				async (item, given) => {
					if (item === 1)
						throw new Error('Credential with ID "x" does not exist, key inf_secret_1');
					return await given();
				},
			),
		});
		expect(jsonOf(result)[1]?.['error']).toBe(
			'The Inference.sh credential cannot be read: Credential with ID "x" does not exist, key *** [item 1]',
		);
		expect(jsonOf(result)[2]).toMatchObject({ status: 'completed' });
	});

	it('with a key that is not accepted fails that item only', async () => {
		const result = await run(sandbox(), {
			...options({ item: { key: 'inf_revoked' }, said: /./ }),
			onError: 'continueRegularOutput',
		});
		expect(objectIn(jsonOf(result)[1], 'details')).toMatchObject({ code: 'authentication' });
		expect(jsonOf(result)[2]).toMatchObject({ status: 'completed' });
	});
});

describe('Batch', () => {
	it.each(Object.entries(BAD))(
		'with %s: fails that item only, and says why',
		async (_what, bad) => {
			const { succeeded, failed, summary } = resultOf(await runBatch(sandbox(), options(bad)));
			expect(succeeded).toHaveLength(2);
			expect(failed).toHaveLength(1);
			expect(failed[0]?.json).toMatchObject({ status: 'failed', item: bad.item });
			expect(objectIn(failed[0]?.json, 'error')).toMatchObject({ code: 'invalid_credential' });
			expect(String(objectIn(failed[0]?.json, 'error')['message'])).toMatch(bad.said);
			expect(summary).toMatchObject({ succeeded: 2, failed: 1, stopped_by: null });
			expect(secretsIn([failed[0]?.json['error'], summary])).toBe(false);
		},
	);
});
