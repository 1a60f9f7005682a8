const SECRET = '***';
// Values end before a backslash: in JSON it belongs to the quote or character after it.
const BEARER = /\bBearer\s+[^\s"',;<\\]+/gi;
const KEY_SHAPE = /\binf_[A-Za-z0-9_-]{6,}/g;
const SIGNATURE =
	/((?:[?&;]|\\u0026)(?:X-Amz-(?:Signature|Credential|Security-Token)|signature|sig|token)=)[^&\s"'<\\]+/gi;

/**
 * Takes secrets out of text that goes to logs, errors, hints or items: the key itself, anything
 * that looks like a bearer token or an API key, and the signatures of presigned URLs.
 */
export function redact(text: string, apiKey = ''): string {
	const withoutKey = apiKey === '' ? text : text.split(apiKey).join(SECRET);
	return withoutKey
		.replace(BEARER, `Bearer ${SECRET}`)
		.replace(KEY_SHAPE, SECRET)
		.replace(SIGNATURE, `$1${SECRET}`);
}
