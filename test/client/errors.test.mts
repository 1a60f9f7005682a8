import { describe, expect, it } from 'vitest';
import * as module from '../../nodes/client/errors.ts';
import { InferenceError, type ErrorClass } from '../../nodes/client/errors.ts';

const isErrorClass = (value: unknown): value is ErrorClass =>
	typeof value === 'function' && value.prototype instanceof InferenceError;
/** Every class of the module that can be thrown, by the name under which others import it. */
const CLASSES = Object.entries(module).flatMap(([name, value]): [string, ErrorClass][] =>
	isErrorClass(value) ? [[name, value]] : [],
);

/** More than any class wants. */
const FACTS = {
	httpStatus: 503,
	about: { kind: 'chat', id: 'c1' },
	hint: 'Try again.',
	retryAfterMs: 7_000,
	mayHaveBeenAccepted: true,
	missing: [{ type: 'secret', key: 'TOKEN', message: 'TOKEN is missing', fix: 'add it' }],
} as const;

const TRAITS = [
	'code',
	'concern',
	'retryable',
	'repeatable',
	'mayHaveBeenAccepted',
	'endsFollowing',
	'outOfReach',
	'ending',
	'hopeless',
] as const;

describe.each(CLASSES)('%s', (name, Kind) => {
	const error = new Kind('It went wrong', FACTS);

	it('has the name of its class, also in its stack', () => {
		expect(error.name).toBe(name);
		expect(error.stack).toMatch(new RegExp(`^${name}: It went wrong\n +at .*errors\\.test\\.mts`));
	});

	it('declares every trait', () => {
		expect(TRAITS.filter((trait) => !(trait in error))).toEqual([]);
		expect(error.code).toMatch(/^[a-z]+(_[a-z]+)*$/);
		expect(['request', 'task', 'account', 'service', 'run']).toContain(error.concern);
		expect([undefined, 'rateLimit', 'network', 'serverError']).toContain(error.repeatable);
		const { retryable, mayHaveBeenAccepted, endsFollowing, outOfReach } = error;
		for (const answer of [retryable, mayHaveBeenAccepted, endsFollowing, outOfReach]) {
			expect(answer).toBeTypeOf('boolean');
		}
	});

	it('does not contradict itself', () => {
		if (error.repeatable !== undefined) {
			expect(error).toMatchObject({ retryable: true, endsFollowing: false });
			expect(error.concern).toMatch(/^(account|service)$/);
		}
		if (error.hopeless !== undefined) {
			expect(error.retryable).toBe(false);
			expect(error.concern).toMatch(/^(account|service)$/);
		}
		// A request that does not fit has done nothing.
		if (error.concern === 'request') expect(error.mayHaveBeenAccepted).toBe(false);
	});

	it('stays the same situation in other words', () => {
		const other = error.reworded('Chat c1 is gone', { hint: 'Start a new one.' });
		expect(other).toBeInstanceOf(Kind);
		expect(other).toMatchObject({ message: 'Chat c1 is gone', hint: 'Start a new one.' });
		expect(other.cause).toBe(error);
		for (const fact of ['name', 'httpStatus', 'about', 'retryAfterMs', ...TRAITS] as const) {
			expect(other[fact], fact).toBe(error[fact]);
		}
	});
});

describe('all errors', () => {
	const errors = CLASSES.map(([, Kind]) => new Kind('', FACTS));

	it('are found', () => {
		expect(errors.length).toBeGreaterThanOrEqual(19);
	});

	it('have names and codes of their own', () => {
		const names = errors.map(({ name }) => name);
		expect(new Set(names).size).toBe(names.length);
		// A run that is given up tells its items what a stopped one does.
		const codes = errors.filter(({ name }) => name !== 'AbandonedError').map(({ code }) => code);
		expect(new Set(codes).size).toBe(codes.length);
	});
});

it('the requirements that are missing go along into other words', () => {
	const error = new module.RequirementsNotMetError('Not met', FACTS);
	expect(error.reworded('Still not met')).toMatchObject({ missing: FACTS.missing });
});

it('an error without a cause does not pretend to have one', () => {
	expect('cause' in new module.TimeoutError('did not finish')).toBe(false);
});
