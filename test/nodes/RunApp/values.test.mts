/** Values of expressions and of people: they leave as what they are, or the item says why not. */
import type { IDataObject, INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { appRef, jsonOf, runApp, submissions } from '../../engine/support.mts';
import { filledIn, STUDIO } from '../../shared/formSupport.mts';
import { useSandbox } from '../../useSandbox.mts';

const sandbox = useSandbox();
const REQUIRED = { prompt: 'a boat', source: 'https://files.example/boat.png' };
const FORM = { app: STUDIO, settings: { timezone: 'Asia/Tokyo' } };

/** What a form of expressions sends, or why nothing is sent. */
async function formWith(values: IDataObject, item: IDataObject = {}): Promise<unknown> {
	const run = await runApp(sandbox(), {
		...FORM,
		items: [item],
		onError: 'continueRegularOutput',
		parameters: filledIn({ ...REQUIRED, ...values }),
	});
	const [sent] = submissions(sandbox());
	return sent ? sent['input'] : jsonOf(run)[0]?.['error'];
}

/** What Input (JSON) sends, or why nothing is sent. */
async function jsonWith(jsonInput: string, item: IDataObject = {}): Promise<unknown> {
	const run = await runApp(sandbox(), {
		settings: { timezone: 'Asia/Tokyo' },
		items: [item],
		onError: 'continueRegularOutput',
		parameters: { inputMode: 'json', jsonInput },
	});
	const [sent] = submissions(sandbox());
	return sent ? sent['input'] : jsonOf(run)[0]?.['error'];
}

const DAY = 'DateTime.fromISO("2030-06-01T09:30")';
const ISO = '2030-06-01T09:30:00.000+09:00';

describe('a date', () => {
	it.each([
		['a DateTime', `={{ ${DAY} }}`, ISO],
		['a Date', '={{ new Date(1906504200000) }}', '2030-06-01T00:30:00.000Z'],
		[
			'a duration',
			'={{ DateTime.fromISO("2030-06-01").diff(DateTime.fromISO("2030-05-31")) }}',
			'PT86400S',
		],
	])('in a text field leaves as text: %s', async (_what, prompt, sent) => {
		expect(await formWith({ prompt })).toEqual({ ...REQUIRED, prompt: sent });
	});

	it('that is now leaves as the time that it is', async () => {
		const sent = (await formWith({ prompt: '={{ $now }}' })) as { prompt: string };
		expect(Math.abs(Date.parse(sent.prompt) - Date.now())).toBeLessThan(60_000);
	});

	it('inside of lists and objects leaves as text', async () => {
		const extra = `={{ ({ at: ${DAY}, deep: [[${DAY}]] }) }}`;
		expect(await formWith({ tags: `={{ [${DAY}] }}`, extra, anything: `={{ ${DAY} }}` })).toEqual({
			...REQUIRED,
			tags: [ISO],
			extra: { at: ISO, deep: [[ISO]] },
			anything: ISO,
		});
	});

	it('in JSON leaves as text', async () => {
		expect(await jsonWith(`={{ ({ at: ${DAY}, list: [new Date(0)] }) }}`)).toEqual({
			at: ISO,
			list: ['1970-01-01T00:00:00.000Z'],
		});
	});

	it('that is none is refused', async () => {
		expect(await formWith({ prompt: '={{ new Date("soon") }}' })).toBe(
			'Parameter "Prompt" is an invalid date, which cannot be sent [item 0]',
		);
		expect(await jsonWith('={{ ({ list: [{ at: new Date(NaN) }] }) }}')).toBe(
			'Parameter "Input (JSON)" has an invalid date at list.0.at, which cannot be sent [item 0]',
		);
	});

	it('in a number field is refused in words', async () => {
		expect(await formWith({ scale: `={{ ${DAY} }}` })).toBe(
			`Parameter "Scale (above 0, up to 10)" must be a number > 0 and ≤ 10, but is "${ISO}" [item 0]`,
		);
	});
});

describe('what no JSON can hold', () => {
	it.each([
		['={{ NaN }}', 'is NaN'],
		['={{ 1 / 0 }}', 'is Infinity'],
		['={{ -1 / 0 }}', 'is -Infinity'],
		['={{ new Map([[1, 2]]) }}', 'is a Map'],
	])('is refused in a field: %s', async (anything, problem) => {
		expect(await formWith({ anything })).toBe(
			`Parameter "Anything" ${problem}, which cannot be sent [item 0]`,
		);
		expect(sandbox().tasks()).toEqual([]);
	});

	it('is refused in JSON, with its place', async () => {
		expect(await jsonWith('={{ ({ a: { b: [1, NaN] } }) }}')).toBe(
			'Parameter "Input (JSON)" has NaN at a.b.1, which cannot be sent [item 0]',
		);
		expect(await jsonWith('{"a": 1e400}')).toContain('1e400');
		expect(sandbox().tasks()).toEqual([]);
	});

	it('is not NaN in a text field', async () => {
		expect(await formWith({ prompt: '={{ NaN }}' })).toContain('Parameter "Prompt" is NaN');
	});
});

describe('a number', () => {
	it.each([
		['={{ 2030 }}', '2030'],
		['={{ -0.25 }}', '-0.25'],
		['={{ true }}', 'true'],
		['={{ 9007199254740993n }}', '9007199254740993'],
	])('or switch in a text field is text: %s', async (prompt, sent) => {
		expect(await formWith({ prompt })).toEqual({ ...REQUIRED, prompt: sent });
	});

	it.each([
		['typed', '9007199254740993'],
		['with its sign', '-9007199254740993'],
		['of an expression', '={{ 9007199254740993 }}'],
		['of text', '={{ "9007199254740993" }}'],
		['as a BigInt', '={{ 9007199254740993n }}'],
	])('that would leave as another one is refused: %s', async (_what, big) => {
		const form = filledIn({ value: big });
		const run = await runApp(sandbox(), {
			app: 'sandbox/whole',
			items: [{}],
			onError: 'continueRegularOutput',
			parameters: form,
		});
		const error = String(jsonOf(run)[0]?.['error']);
		expect(error).toContain('Parameter "Value" must be a whole number');
		expect(error).toContain('9007199254740991');
		expect(sandbox().tasks()).toEqual([]);
	});

	it.each(['9007199254740991', '={{ 9007199254740991n }}', '1000000000000000000', '={{ 1e18 }}'])(
		'that leaves as it is passes: %s',
		async (value) => {
			await runApp(sandbox(), {
				app: 'sandbox/whole',
				items: [{}],
				parameters: filledIn({ value }),
			});
			const sent = value.startsWith('=') ? Number(/\d+(?:e\d+)?/.exec(value)?.[0]) : Number(value);
			expect(submissions(sandbox())[0]?.['input']).toEqual({ value: sent });
		},
	);

	it.each([
		['in JSON', { parameters: { inputMode: 'json', jsonInput: '{"a": [9007199254740993]}' } }],
		[
			'in the JSON of a list',
			{ app: STUDIO, parameters: filledIn({ ...REQUIRED, sizes: '[1, 9007199254740993]' }) },
		],
		[
			'in the JSON of an object',
			{ app: STUDIO, parameters: filledIn({ ...REQUIRED, extra: '{"id": 9007199254740993}' }) },
		],
		[
			'of what may be anything',
			{ app: STUDIO, parameters: filledIn({ ...REQUIRED, anything: '9007199254740993' }) },
		],
		['in setup', { options: { setup: '{"id": 9007199254740993}' } }],
		[
			'in an object',
			{ parameters: { inputMode: 'json', jsonInput: '={{ ({ a: 9007199254740993 }) }}' } },
		],
	])('above 2^53 is never changed silently: %s', async (_what, options) => {
		const run = await runApp(sandbox(), {
			items: [{}],
			onError: 'continueRegularOutput',
			...options,
		});
		expect(jsonOf(run)[0]?.['error']).toMatch(/900719925474099[23]/);
		expect(sandbox().tasks()).toEqual([]);
	});

	it('of an expression says where it is, and what to do', async () => {
		expect(await formWith({ extra: '={{ ({ ids: [9007199254740993n] }) }}' })).toMatch(
			/has the number 9007199254740993 at ids\.0, but n8n holds .*: give it as text \[item 0\]$/,
		);
	});

	it('in text of JSON is text', async () => {
		const jsonInput = '{"id": "9007199254740993", "say": "\\"9007199254740993\\" 1e400"}';
		expect(await jsonWith(jsonInput)).toEqual(JSON.parse(jsonInput));
	});

	it('that is minus zero is zero', async () => {
		expect(await formWith({ seed: '={{ -0 }}' })).toEqual({ ...REQUIRED, seed: 0 });
	});

	it('in text is the choice that has the same value', async () => {
		expect(await formWith({ steps: ' 8.0 ' })).toEqual({ ...REQUIRED, steps: 8 });
		sandbox().reset();
		expect(await formWith({ steps: '={{ 5 }}' })).toContain('"Step Count" must be one of 4, 8, 16');
	});
});

describe('a switch', () => {
	it.each([
		['={{ 1 }}', true],
		['={{ 0 }}', false],
		['1', true],
		[' 0 ', false],
		['={{ "TRUE" }}', true],
		['={{ 1n }}', true],
	])('takes 0 and 1: %s', async (sharp, sent) => {
		expect(await formWith({ sharp })).toEqual({ ...REQUIRED, sharp: sent });
	});

	it.each(['2', 'yes', '={{ -1 }}', '={{ [1] }}'])('takes no %s', async (sharp) => {
		expect(await formWith({ sharp })).toContain('Parameter "Sharp" must be true or false');
	});

	it('among the options is on or off, or wrong', async () => {
		const on = await runApp(sandbox(), { items: [{}], options: { fullTask: '={{ 1 }}' } });
		expect(jsonOf(on)[0]).toHaveProperty('app_id');
		const off = await runApp(sandbox(), { items: [{}], options: { fullTask: '={{ "false" }}' } });
		expect(jsonOf(off)[0]).not.toHaveProperty('app_id');
		const wrong = await runApp(sandbox(), {
			items: [{}],
			options: { fullTask: '={{ "perhaps" }}' },
		});
		expect(wrong.error?.message).toBe(
			'Parameter "Output: Full Task" must be true or false, but is "perhaps" [item 0]',
		);
	});
});

describe('a field of several kinds', () => {
	it.each([
		['={{ 1 }}', 1],
		['={{ 0 }}', 0],
		['={{ true }}', true],
		['={{ "1" }}', '1'],
	])('takes the kind that the value has: %s', async (value, sent) => {
		await runApp(sandbox(), {
			app: 'sandbox/either',
			items: [{}],
			parameters: filledIn({ value }),
		});
		expect(submissions(sandbox())[0]?.['input']).toEqual({ value: sent });
	});
});

describe('a form that was left while it was loading', () => {
	const left = (fields: unknown): INodeParameters => ({
		inputMode: 'fields',
		fields: fields as INodeParameters,
	});

	it.each([
		['without values', { mappingMode: 'defineBelow', value: null, schema: [] }],
		['without a schema', { mappingMode: 'defineBelow', value: null }],
		['without anything', {}],
		['with values and no schema', { mappingMode: 'defineBelow', value: {} }],
		['as null', null],
	])('is an empty one: %s', async (_what, fields) => {
		const run = await runApp(sandbox(), {
			app: STUDIO,
			items: [{}],
			parameters: left(fields),
		});
		expect(run.error?.message).toBe(
			'Parameter "Prompt" is empty, but the app requires it [item 0]',
		);
	});

	it('runs an app that requires nothing', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/whole',
			items: [{}],
			parameters: left({ mappingMode: 'defineBelow', value: null, schema: [] }),
		});
		expect(run.error).toBeUndefined();
		expect(submissions(sandbox())[0]?.['input']).toEqual({});
	});

	it('with values takes them, schema or not', async () => {
		const value = { ...REQUIRED, seed: '={{ 5 }}' };
		await runApp(sandbox(), { app: STUDIO, items: [{}], parameters: left({ value }) });
		expect(submissions(sandbox())[0]?.['input']).toEqual({ ...REQUIRED, seed: 5 });
	});

	it.each([null, undefined, ''])('and a required field that is %s is empty', async (prompt) => {
		expect(await formWith({ prompt: prompt as string })).toBe(
			'Parameter "Prompt" is empty, but the app requires it [item 0]',
		);
	});
});

describe('text', () => {
	it('of options may be a number', async () => {
		await runApp(sandbox(), {
			items: [{}],
			app: 'sandbox/echo',
			options: { workers: '={{ [12, "w2"] }}' },
			parameters: { wait: 'none', app: appRef('sandbox/echo') },
		});
		expect(submissions(sandbox())[0]?.['workers']).toEqual(['12', 'w2']);
	});
});
