import type { IDataObject, INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { NODE_NAME } from '../../engine/engine.mts';
import {
	appRef,
	FROM_ITEM,
	jsonOf,
	objectIn,
	runApp,
	spyOnParameters,
	submissions,
	useSandbox,
} from '../../engine/support.mts';

const sandbox = useSandbox();

/** The one failed item of a run that goes on. */
async function failure(parameters: INodeParameters, item: IDataObject = {}): Promise<IDataObject> {
	const run = await runApp(sandbox(), {
		parameters,
		items: [item],
		onError: 'continueRegularOutput',
	});
	expect(jsonOf(run)).toHaveLength(1);
	return jsonOf(run)[0] ?? {};
}

describe('input as JSON', () => {
	it.each([
		['text', '{"text":"typed","ms":1}', { text: 'typed', ms: 1 }],
		['an expression that gives an object', '={{ $json }}', { text: 'item' }],
		['an expression inside text', '={"text":"{{ $json.text }}!"}', { text: 'item!' }],
		['an expression that gives text', '={{ JSON.stringify($json) }}', { text: 'item' }],
	])('may be %s', async (_what, jsonInput, input) => {
		const run = await runApp(sandbox(), {
			parameters: { inputMode: 'json', jsonInput },
			items: [{ text: 'item' }],
		});
		expect(run.error).toBeUndefined();
		expect(submissions(sandbox())[0]?.['input']).toEqual(input);
	});

	it.each([
		['malformed', '{"text": "a', 'is not valid JSON', '"{\\"text\\": \\"a"'],
		['an array', '[1,2]', 'must be a JSON object', '[1,2]'],
		['empty', '', 'is not valid JSON', '""'],
		['a number', '={{ 5 }}', 'must be a JSON object', 'but is 5'],
		['a word', '"word"', 'must be a JSON object', 'but is "word"'],
		['null', 'null', 'must be a JSON object', 'but is null'],
	])('fails its item if it is %s', async (_what, jsonInput, problem, value) => {
		const { error, details } = await failure({ inputMode: 'json', jsonInput });
		expect(error).toContain('Parameter "Input (JSON)"');
		expect(error).toContain(problem);
		expect(error).toContain(value);
		expect(details).toEqual({ code: 'invalid_parameter', item_index: 0 });
		expect(sandbox().requests).toEqual([]);
	});

	it('shows no more than the beginning of a long value', async () => {
		const { error } = await failure({
			inputMode: 'json',
			jsonInput: `{"text": ${'x'.repeat(5000)}`,
		});
		expect(String(error).length).toBeLessThan(600);
	});
});

describe('input from the item', () => {
	it('is the JSON of the item as it is', async () => {
		const item = { text: 'a', value: { deep: [1, { two: null }] }, ms: 0 };
		const run = await runApp(sandbox(), { items: [item] });
		expect(jsonOf(run)[0]?.['output']).toEqual({ echo: item });
	});

	it('fails an item whose JSON is no object', async () => {
		const bad = [{ json: 'text' as unknown as IDataObject }, { json: { text: 'good' } }];
		const run = await runApp(sandbox(), {
			onError: 'continueRegularOutput',
			adjustContext: (context) => Object.assign(context, { getInputData: () => bad }),
		});
		const [first, second] = jsonOf(run);
		expect(first?.['error']).toContain('Parameter "Incoming item"');
		expect(first?.['details']).toMatchObject({ item_index: 0 });
		expect(second?.['output']).toEqual({ echo: { text: 'good' } });
	});
});

describe('expressions', () => {
	it('of an item are evaluated when its turn comes, not before', async () => {
		const reads: string[] = [];
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			parameters: { ...FROM_ITEM.parameters, concurrency: 1 },
			items: [1, 2, 3, 4].map((value) => ({ app: 'sandbox/sleep', input: { ms: 5, value } })),
			adjustContext: spyOnParameters('jsonInput', (item) => {
				const ended = sandbox()
					.tasks()
					.filter(({ finishedAt }) => finishedAt !== undefined);
				reads.push(`${item} after ${ended.length}`);
			}),
		});
		expect(run.error).toBeUndefined();
		expect(reads).toEqual(['0 after 0', '1 after 1', '2 after 2', '3 after 3']);
	});

	it('of an item may give an option of its own', async () => {
		await runApp(sandbox(), {
			options: { webhook: '={{ $json.url }}', setup: '={{ $json.setup }}' },
			items: [
				{ url: 'http://127.0.0.1:9/a', setup: { model: 'a' } },
				{ url: 'http://127.0.0.1:9/b', setup: { model: 'b' } },
			],
		});
		expect(submissions(sandbox()).map(({ webhook, setup }) => ({ webhook, setup }))).toEqual([
			{ webhook: 'http://127.0.0.1:9/a', setup: { model: 'a' } },
			{ webhook: 'http://127.0.0.1:9/b', setup: { model: 'b' } },
		]);
	});

	it('of any depth cost their own item only', async () => {
		const nested = (depth: number) => `{"a": ${'['.repeat(depth)}${']'.repeat(depth)}}`;
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			items: [100, 5_000, 500_000].map((depth) => ({ app: 'sandbox/echo', input: nested(depth) })),
			onError: 'continueRegularOutput',
		});
		const [first, ...others] = jsonOf(run);
		expect(first).toMatchObject({ status: 'completed' });
		expect(others.map(({ error }) => error)).toEqual([
			'Parameter "Input (JSON)" is nested more than 1000 levels deep, or contains itself [item 1]',
			'Parameter "Input (JSON)" is nested more than 1000 levels deep, or contains itself [item 2]',
		]);
		expect(submissions(sandbox())).toHaveLength(1);
	});

	it('may give an object that looks like the choice of a picker', async () => {
		const setup = { mode: 'fast', value: 3 };
		await runApp(sandbox(), { options: { setup: '={{ $json.setup }}' }, items: [{ setup }] });
		expect(submissions(sandbox())).toMatchObject([{ setup }]);
	});

	it('of an option that fail for the first item fail only that one', async () => {
		const run = await runApp(sandbox(), {
			options: { session: "={{ $('Start').itemMatching($json.at).json.session }}" },
			items: [{ at: 99 }, { at: 1 }],
			onError: 'continueRegularOutput',
		});
		const [first, second] = jsonOf(run);
		expect(first?.['error']).toContain('Parameter "Options"');
		expect(first?.['details']).toMatchObject({ item_index: 0 });
		expect(second).toMatchObject({ status: 'completed' });
	});
});

describe('the app', () => {
	it.each([
		['picked from the list', { __rl: true, mode: 'list', value: 'sandbox/echo' }],
		['typed', { __rl: true, mode: 'ref', value: ' sandbox/echo ' }],
		['typed with its type', { __rl: true, mode: 'ref', value: 'app/sandbox/echo' }],
		['a bare name', { __rl: true, mode: 'ref', value: 'echo' }],
		['an expression', { __rl: true, mode: 'ref', value: '={{ "sandbox/" + "echo" }}' }],
		['just text', 'sandbox/echo'],
	])('may be %s', async (_what, app) => {
		const run = await runApp(sandbox(), { parameters: { app }, items: [{ text: 'x' }] });
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)[0]?.['output']).toEqual({ echo: { text: 'x' } });
	});

	it.each([
		['blank', '   ', 'is empty'],
		['a sentence', 'please run flux', 'please run flux'],
		['a URL', 'https://inference.sh/apps/a/b', 'https://inference.sh/apps/a/b'],
		['a path too long', 'a/b/c/d', 'a/b/c/d'],
		['half a reference', 'sandbox/', 'sandbox/'],
		['a function of nothing', ':run', ':run'],
		['an expression for nothing', '={{ $json.nothing }}', 'is empty'],
	])('that is %s fails before anything is requested', async (_what, value, said) => {
		const run = await runApp(sandbox(), { app: value, items: [{ text: 'x' }] });
		expect(run.error?.name).toBe('NodeOperationError');
		expect(run.error?.message).toContain('Parameter "App"');
		expect(run.error?.message).toContain(said);
		expect(sandbox().requests).toEqual([]);
	});

	it('that nobody knows comes with suggestions', async () => {
		const { error, details } = await failure({ app: appRef('sandbox/ecko') });
		expect(error).toContain("app 'sandbox/ecko' not found");
		expect(error).toContain('sandbox/echo');
		expect(details).toMatchObject({ code: 'not_found', http_status: 404, item_index: 0 });
		expect(details).toHaveProperty('hint');
	});

	it.each([
		{ ref: 'sandbox/multi:lower', option: '', sent: 'lower', app: 'sandbox/multi:lower' },
		{ ref: 'sandbox/multi', option: 'upper', sent: 'upper', app: 'sandbox/multi:upper' },
		{ ref: 'sandbox/multi:lower', option: 'upper', sent: 'upper', app: 'sandbox/multi:upper' },
	])('runs one function: $ref with option "$option"', async ({ ref, option, sent, app }) => {
		const run = await runApp(sandbox(), {
			app: ref,
			items: [{ text: 'Ab' }],
			options: { function: option },
		});
		const text = sent === 'upper' ? 'AB' : 'ab';
		expect(jsonOf(run)[0]).toMatchObject({ output: { text }, app });
		expect(submissions(sandbox())).toEqual([
			{ app: 'sandbox/multi', function: sent, input: { text: 'Ab' }, wait: false },
		]);
	});

	it('keeps the version of its reference', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/multi@latest:lower',
			items: [{ text: 'Ab' }],
		});
		expect(jsonOf(run)[0]).toMatchObject({
			output: { text: 'ab' },
			app: 'sandbox/multi@latest:lower',
		});
		expect(submissions(sandbox())[0]).toMatchObject({
			app: 'sandbox/multi@latest',
			function: 'lower',
		});
		const { error } = await failure({ app: appRef('sandbox/echo@v0nothere') });
		expect(error).toContain('v0nothere');
	});
});

describe('options on the wire', () => {
	it('all arrive under the names of the API', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/setup',
			items: [{ text: 'x' }],
			options: {
				function: 'run',
				setup: '{"model":"m"}',
				infra: 'private_first',
				workers: 'w1, w2\nw3',
				session: 'new',
				sessionTimeout: 90,
				webhook: 'http://127.0.0.1:9/done',
				runAt: '2020-01-01T00:00:00+02:00',
			},
		});
		expect(run.error).toBeUndefined();
		expect(submissions(sandbox())).toEqual([
			{
				app: 'sandbox/setup',
				input: { text: 'x' },
				function: 'run',
				setup: { model: 'm' },
				infra: 'private_first',
				workers: ['w1', 'w2', 'w3'],
				session: 'new',
				session_timeout: 90,
				webhook: 'http://127.0.0.1:9/done',
				run_at: '2019-12-31T22:00:00.000Z',
				wait: false,
			},
		]);
		expect(jsonOf(run)[0]?.['output']).toMatchObject({ setup: { model: 'm' } });
	});

	it('are left out where they are empty', async () => {
		await runApp(sandbox(), {
			items: [{ text: 'x' }],
			options: {
				function: '',
				setup: '{}',
				workers: ' ',
				session: '',
				sessionTimeout: 60,
				webhook: '',
				runAt: '',
			},
		});
		expect(submissions(sandbox())[0]).toMatchObject({ app: 'sandbox/echo' });
		const { setup, ...rest } = submissions(sandbox())[0] ?? {};
		expect(setup ?? {}).toEqual({});
		expect(rest).toEqual({ app: 'sandbox/echo', input: { text: 'x' }, wait: false });
	});

	it('take workers from a list and setup from an object', async () => {
		await runApp(sandbox(), {
			app: 'sandbox/setup',
			items: [{ text: 'x' }],
			options: { workers: '={{ ["a", "b"] }}', setup: '={{ ({ model: "m" }) }}' },
		});
		expect(submissions(sandbox())[0]).toMatchObject({
			workers: ['a', 'b'],
			setup: { model: 'm' },
		});
	});

	it('go on with a session without asking for a timeout again', async () => {
		const first = await runApp(sandbox(), {
			app: 'sandbox/counter',
			items: [{ by: 1 }],
			options: { session: 'new', sessionTimeout: 30 },
		});
		const session = jsonOf(first)[0]?.['session_id'];
		const second = await runApp(sandbox(), {
			app: 'sandbox/counter',
			items: [{ by: 2 }],
			options: { session: String(session), sessionTimeout: 30 },
		});
		expect(jsonOf(second)[0]).toMatchObject({ output: { count: 3 }, session_id: session });
		expect(submissions(sandbox())[1]).not.toHaveProperty('session_timeout');
	});

	it('start a task later', async () => {
		const runAt = new Date(Date.now() + 60_000).toISOString();
		await runApp(sandbox(), {
			parameters: { wait: 'none' },
			items: [{ text: 'x' }],
			options: { runAt },
		});
		expect(submissions(sandbox())[0]?.['run_at']).toBe(runAt);
		expect(sandbox().running()).toHaveLength(1);
	});

	it.each([
		['a time as the date picker gives it', '2030-06-01T09:30:00', '2030-06-01T00:30:00.000Z'],
		['a day', '2030-06-01', '2030-05-31T15:00:00.000Z'],
		['a time with its zone', '2030-06-01T09:30:00Z', '2030-06-01T09:30:00.000Z'],
		['with blanks around it', ' 2030-06-01 09:30\n', '2030-06-01T00:30:00.000Z'],
		['a DateTime', '={{ DateTime.fromISO("2030-06-01T09:30") }}', '2030-06-01T00:30:00.000Z'],
		[
			'a DateTime of another zone',
			'={{ DateTime.fromISO("2030-06-01T09:30", { zone: "Europe/Berlin" }) }}',
			'2030-06-01T07:30:00.000Z',
		],
		['a Date', '={{ new Date(Date.UTC(2030, 5, 1, 9, 30)) }}', '2030-06-01T09:30:00.000Z'],
		[
			'a DateTime in text',
			'={{ DateTime.fromISO("2030-06-01T09:30") }} ',
			'2030-06-01T00:30:00.000Z',
		],
	])("take %s in the workflow's time zone", async (_what, runAt, sent) => {
		const run = await runApp(sandbox(), {
			settings: { timezone: 'Asia/Tokyo' },
			parameters: { wait: 'none' },
			items: [{ text: 'x' }],
			options: { runAt },
		});
		expect(run.error).toBeUndefined();
		expect(submissions(sandbox())[0]?.['run_at']).toBe(sent);
	});

	it.each([
		['01.06.2030 09:30', /such as 2030-06-01T09:30 or .*, but is "01.06.2030 09:30" \[item 0\]$/],
		['2030/06/01 09:30', /in ISO 8601, such as 2030-06-01T09:30/],
		['={{ 1906504200000 }}', /a number may be seconds or milliseconds.*, but is 1906504200000/],
		['2030-02-30T09:30', /must be a date and time that exists, but is "2030-02-30T09:30"/],
		['={{ new Date("01.06.30000") }}', /Parameter "Task: Run At"/],
		['={{ true }}', /in ISO 8601/],
	])('take no %s as a time', async (runAt, message) => {
		const run = await runApp(sandbox(), { items: [{}], options: { runAt } });
		expect(run.error?.message).toMatch(/^Parameter "Task: Run At" /);
		expect(run.error?.message).toMatch(message);
		expect(sandbox().requests).toEqual([]);
	});

	it.each([
		['infra', 'moon', 'Task: Infrastructure'],
		['setup', '[1]', 'Task: Setup'],
		['setup', '{nope', 'Task: Setup'],
		['webhook', 'ftp://example.com', 'Task: Webhook URL'],
		['webhook', 'soon', 'Task: Webhook URL'],
		['runAt', 'tomorrow-ish', 'Task: Run At'],
		['function', '={{ [7] }}', 'Task: Function'],
		['workers', '={{ [[1]] }}', 'Task: Workers'],
	])('that make no sense fail their item: %s = %s', async (name, value, displayName) => {
		const run = await runApp(sandbox(), { items: [{}], options: { [name]: value } });
		expect(run.error?.name).toBe('NodeOperationError');
		expect(run.error?.message).toContain(`Parameter "${displayName}"`);
		expect(run.error?.context['itemIndex']).toBe(0);
		expect(sandbox().requests).toEqual([]);
	});

	it.each([0, -1, 1.5, 3601, 'long'])('refuse a session timeout of %s', async (sessionTimeout) => {
		const run = await runApp(sandbox(), {
			items: [{}],
			options: { session: 'new', sessionTimeout },
		});
		expect(run.error?.message).toContain('Parameter "Task: Session Idle (Seconds)"');
		expect(run.error?.message).toContain(JSON.stringify(sessionTimeout));
		expect(sandbox().requests).toEqual([]);
	});
});

describe('a session that cannot be used', () => {
	it.each(['ended', 'expired', 'lost', 'leased'] as const)('says what to do: %s', async (state) => {
		const first = await runApp(sandbox(), {
			app: 'sandbox/counter',
			items: [{}],
			options: { session: 'new' },
		});
		const session = String(jsonOf(first)[0]?.['session_id']);
		sandbox().setSession(session, state);
		const run = await runApp(sandbox(), {
			app: 'sandbox/counter',
			items: [{}],
			options: { session },
			onError: 'continueRegularOutput',
		});
		const details = objectIn(jsonOf(run)[0], 'details');
		expect(details['code']).toBe('session');
		expect(String(details['hint'])).toMatch(/session/i);
		expect(sandbox().tasks()).toHaveLength(1);
	});
});

describe('Max Cost', () => {
	const eight = Array.from({ length: 8 }, (_, value) => ({ ms: 1, value }));

	it('refuses to start what is going to cost more', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/sleep',
			items: eight,
			options: { maxCost: 0.15 },
		});
		expect(run.error?.name).toBe('NodeOperationError');
		expect(run.error?.message).toContain('$0.16');
		expect(run.error?.message).toContain('"Limit: Max Cost (USD)" allows ($0.15)');
		expect(sandbox().tasks()).toEqual([]);
	});

	it('starts what costs just as much', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/sleep:run',
			items: eight,
			options: { maxCost: 0.16 },
		});
		expect(run.error).toBeUndefined();
		expect(sandbox().tasks()).toHaveLength(8);
		expect(sandbox().count('POST', /\/estimate$/)).toBe(8);
	});

	it('takes the upper end of a range', async () => {
		const item = { text: 'x' };
		const cheap = await runApp(sandbox(), {
			app: 'sandbox/llm',
			items: [item],
			options: { maxCost: 0.04 },
		});
		expect(cheap.error?.message).toContain('$0.0500');
		expect(sandbox().tasks()).toEqual([]);
	});

	it('tells of estimates that cannot be had, and starts', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/echo', input: {} },
				{ app: 'sandbox/multi:upper', input: { text: 'a' } },
			],
			options: { maxCost: 1 },
		});
		expect(run.error).toBeUndefined();
		expect(run.hints(NODE_NAME).map(({ message }) => message)).toEqual([
			'The cost of 1 of 2 items could not be estimated and does not count towards "Limit: Max Cost (USD)" (item 1).',
		]);
	});

	it('starts nothing if the service does not answer', async () => {
		sandbox().fault({ on: 'POST /store/apps/:id/estimate', kind: 'status', status: 500, times: 9 });
		const run = await runApp(sandbox(), {
			items: [{}],
			parameters: { maxRetries: 1 },
			options: { maxCost: 1 },
		});
		expect(run.error?.name).toBe('NodeApiError');
		expect(run.error?.message).toContain('estimate');
		expect(sandbox().tasks()).toEqual([]);
		expect(sandbox().count('POST', /\/estimate$/)).toBe(2);
	});

	it('leaves items that cannot start to fail by themselves', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/echo', input: '{broken' },
				{ app: 'sandbox/echo', input: { text: 'b' } },
			],
			options: { maxCost: 1 },
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run).map(({ status, error }) => status ?? String(error).slice(0, 9))).toEqual([
			'Parameter',
			'completed',
		]);
	});
});
