import { describe, expect, it } from 'vitest';
import { redact } from '../../../nodes/client/util/redact.ts';

const KEY = 'inf_1a2b3c4d5e6f';

describe('redact', () => {
	it.each([
		['the key wherever it stands', `key=${KEY}, again ${KEY}.`, 'key=***, again ***.'],
		['the key inside a word', `x${KEY}y`, 'x***y'],
		['somebody else’s key', 'not inf_zzzzzzzzzz but', 'not *** but'],
		['a bearer token', 'Authorization: Bearer abc.def-ghi_j', 'Authorization: Bearer ***'],
		['a bearer token in any case', 'bearer abc', 'Bearer ***'],
		['a bearer token in JSON', '{"a":"Bearer abc","b":1}', '{"a":"Bearer ***","b":1}'],
		[
			'the signature of a presigned URL',
			'https://s3.example/x?X-Amz-Date=1&X-Amz-Signature=abc&X-Amz-Expires=3',
			'https://s3.example/x?X-Amz-Date=1&X-Amz-Signature=***&X-Amz-Expires=3',
		],
		[
			'all secret parts of a presigned URL',
			'?X-Amz-Credential=A%2F1&X-Amz-Security-Token=B&signature=C&sig=D&token=E',
			'?X-Amz-Credential=***&X-Amz-Security-Token=***&signature=***&sig=***&token=***',
		],
		[
			'a signature in an XML answer of the storage',
			'<Url>https://s3.example/x?a=1&amp;X-Amz-Signature=abc</Url>',
			'<Url>https://s3.example/x?a=1&amp;X-Amz-Signature=***</Url>',
		],
		[
			'a signature in JSON that escapes ampersands, as Go does',
			'{"url":"https://s3.example/x?a=1\\u0026X-Amz-Signature=abc\\u0026b=2"}',
			'{"url":"https://s3.example/x?a=1\\u0026X-Amz-Signature=***\\u0026b=2"}',
		],
	])('takes out %s', (_what, text, clean) => {
		expect(redact(text, KEY)).toBe(clean);
	});

	it('takes out a key that does not look like one', () => {
		expect(redact('the key is $1.*', '$1.*')).toBe('the key is ***');
	});

	it.each([
		'namespace/inf_app',
		'https://cloud.inference.sh/app/files/t/65hmp52a/p0rt87rg.wav?size=3',
		'a token=5 in plain text',
		'',
	])('leaves "%s" alone', (text) => {
		expect(redact(text, KEY)).toBe(text);
	});

	it.each([
		['a quoted bearer token', 'bad header "Bearer abc"'],
		['a quoted signature', 'cannot read "https://s3.example/x?sig=abc"'],
		['a signature at the end of a line', 'https://s3.example/x?sig=abc\n(next)'],
	])('leaves JSON that holds %s readable', (_what, detail) => {
		const clean = redact(JSON.stringify({ detail }), KEY);
		expect(clean).not.toContain('abc');
		expect(JSON.parse(clean)).toEqual({ detail: detail.replace('abc', '***') });
	});

	it('works without knowing a key', () => {
		expect(redact(`Bearer x and ${KEY}`)).toBe('Bearer *** and ***');
	});
});
