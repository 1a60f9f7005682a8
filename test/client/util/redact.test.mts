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
			'what signs a URL of Google storage',
			'https://storage.googleapis.com/b/o?X-Goog-Algorithm=GOOG4&X-Goog-Credential=A%40b&X-Goog-Signature=C',
			'https://storage.googleapis.com/b/o?X-Goog-Algorithm=GOOG4&X-Goog-Credential=***&X-Goog-Signature=***',
		],
		[
			'what signed one in the old way',
			'https://b.storage.googleapis.com/o?GoogleAccessId=a@b.c&Expires=1&Signature=D%2F',
			'https://b.storage.googleapis.com/o?GoogleAccessId=***&Expires=1&Signature=***',
		],
		[
			'a shared access signature of Azure',
			'https://a.blob.core.windows.net/c/b?sv=2022&se=2026&sr=b&sp=r&sig=E%3D',
			'https://a.blob.core.windows.net/c/b?sv=2022&se=2026&sr=b&sp=r&sig=***',
		],
		[
			'what signs a URL of CloudFront',
			'https://d1.cloudfront.net/x?Expires=1&Policy=F&Signature=G~&Key-Pair-Id=H',
			'https://d1.cloudfront.net/x?Expires=1&Policy=***&Signature=***&Key-Pair-Id=***',
		],
		[
			'the older ones of S3 and of Alibaba',
			'?AWSAccessKeyId=I&Signature=J&OSSAccessKeyId=K&x-oss-signature=L&security-token=M',
			'?AWSAccessKeyId=***&Signature=***&OSSAccessKeyId=***&x-oss-signature=***&security-token=***',
		],
		[
			'one inside another URL',
			'?next=https%3A%2F%2Fs3.example%2Fx%3Fa%3D1%26X-Amz-Signature%3DN&b=1',
			'?next=https%3A%2F%2Fs3.example%2Fx%3Fa%3D1%26X-Amz-Signature%3D***&b=1',
		],
		[
			'user and password of an address',
			'cannot reach https://me:pa@ss@proxy.example:8080/x or http://:secret@h',
			'cannot reach https://***@proxy.example:8080/x or http://***@h',
		],
		[
			'keys and passwords in a query',
			'?key=A&subscription-key=B&pwd=C&pass=D&jwt=E&apikey=F#access_token=G',
			'?key=***&subscription-key=***&pwd=***&pass=***&jwt=***&apikey=***#access_token=***',
		],
		[
			'what signs a URL of Akamai and of Backblaze',
			'?__token__=exp=1~hmac=A&hdnts=st=1~acl=/*~hmac=B&Authorization=C',
			'?__token__=***&hdnts=st=1~acl=/*~hmac=***&Authorization=***',
		],
		[
			'one that is the first of another URL, however often that is encoded',
			'?u=https%3A%2F%2Fs3%2Fx%3Fsig%3DA&v=https%253A%252F%252Fs3%252Fx%253Fsig%253DB',
			'?u=https%3A%2F%2Fs3%2Fx%3Fsig%3D***&v=https%253A%252F%252Fs3%252Fx%253Fsig%253D***',
		],
		[
			'headers that log in',
			'Proxy-Authorization: Basic dTpw, {"authorization":"Basic dTpw","x-api-key": "abc"}',
			'Proxy-Authorization: Basic ***, {"authorization":"Basic ***","x-api-key": "***"}',
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
		'the Basic plan has no authorization for this',
		'https://unpkg.com/@scope/package and https://medium.com/@somebody',
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
