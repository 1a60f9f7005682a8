/** What n8n's lint asks of panels on its main branch, and its reviewers ask, beyond the lint that is installed. */
import { describe, expect, it } from 'vitest';
import { CREDENTIAL, DESCRIPTIONS, partsOf } from './panelNames.mts';

const LONGEST_HINT = 120;

interface Shown {
	readonly name: string;
	readonly hint?: unknown;
	readonly placeholder?: unknown;
}

const panels = [
	...DESCRIPTIONS.map(({ displayName, properties }) => ({ displayName, properties })),
	{ displayName: 'Inference.sh API', properties: CREDENTIAL },
];

describe.each(panels)('the panel of $displayName', ({ properties }) => {
	const parts = [...partsOf(properties)];
	const shown = parts.flatMap((part): Shown[] => [
		part,
		...('modes' in part ? (part.modes ?? []) : []),
	]);

	it(`has hints of at most ${LONGEST_HINT} characters`, () => {
		const hints = shown.flatMap(({ name, hint }) =>
			typeof hint === 'string' ? { name, hint } : [],
		);
		expect(hints.filter(({ hint }) => hint.length > LONGEST_HINT)).toEqual([]);
	});

	it('says of an example that it is one, or what to do, or what happens', () => {
		const placeholders = shown.flatMap(({ name, placeholder = '' }) => {
			return placeholder === '' ? [] : { name, placeholder };
		});
		const good = /^(e\.g\. |(Add|Choose|Search) |The only )/;
		expect(placeholders.filter(({ placeholder }) => !good.test(String(placeholder)))).toEqual([]);
	});

	it('has actions in sentence case, without an article or a stop', () => {
		const actions = parts.flatMap((part) => ('action' in part ? (part.action ?? []) : []));
		const good = /^[A-Z][a-z]+( (?!the |an? )[a-z]+)+$/;
		expect(actions.filter((action) => !good.test(action))).toEqual([]);
	});

	it('has resources in the singular', () => {
		const resources = properties
			.filter(({ name }) => name === 'resource')
			.flatMap(({ options = [] }) => options)
			.flatMap((option) => ('value' in option ? String(option.value) : []));
		expect(resources.filter((resource) => /s$/.test(resource))).toEqual([]);
	});
});

it.each(DESCRIPTIONS)(
	'$displayName has a subtitle, and a short name without a dot',
	({ subtitle, defaults }) => {
		expect(subtitle).toBeTruthy();
		expect(defaults.name).toMatch(/^[A-Z][\w ]{2,24}$/);
	},
);
