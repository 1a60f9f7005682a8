/** Texts of others that are long, and made to be looked at again and again. */
import { describe, expect, it } from 'vitest';
import { wordsOfPage } from '../../../nodes/client/api/problem.ts';
import { compareJson } from '../../../nodes/client/once/comparison.ts';
import { redact } from '../../../nodes/client/util/redact.ts';

const LENGTH = 150_000;
/** What is looked at once takes milliseconds; what is looked at from every place in it takes hours. */
const PATIENCE_MS = 30_000;

/** A text that begins so, goes on with the same again and again, and ends so. */
const long = (begin: string, again: string, end: string) =>
	begin + again.repeat(Math.ceil(LENGTH / again.length)) + end;

const PARTS = ['a://', 'a', '.', '@', '<script', '?token', 'Bearer ', '/', '…'];

describe.each(PARTS)('a text of %j again and again', (again) => {
	const texts = ['', 'https://a', '<html>'].flatMap((begin) =>
		['', ' b'].map((end) => long(begin, again, end)),
	);

	it('is freed of secrets in a moment', { timeout: PATIENCE_MS }, () => {
		for (const text of texts) expect(redact(text, 'inf_key').length).toBeGreaterThan(0);
	});

	it('is compared with another one in a moment', { timeout: PATIENCE_MS }, () => {
		for (const text of texts) expect(compareJson(text, `${text}x`)).not.toBe('equal');
	});

	it('is read as a web page in a moment', { timeout: PATIENCE_MS }, () => {
		for (const text of texts) expect(wordsOfPage(text).length).toBeLessThan(1_000);
	});
});
