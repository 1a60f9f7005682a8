const SECRET = '***';
// Values end before a backslash: in JSON it belongs to the quote or character after it.
const BEARER = /\bBearer\s+[^\s"',;<\\]+/gi;
const KEY_SHAPE = /\binf_[A-Za-z0-9_-]{6,}/g;
/** What signs a URL, or says who signed it: at AWS, Google, Azure, CloudFront, Alibaba and others. */
const SIGNATURE =
	/((?:[?&;]|\\u0026|%26)(?:[\w.-]{0,40}(?:signature|credential|token|secret|access-?key-?id|accessid|key-pair-id|policy|password|api[_-]?key|hmac)|sig|auth)(?:=|%3D))[^&\s"'<\\]+/gi;
/**
 * An address. That it has a login is found out apart: a pattern that wants an `@` would look for it
 * again from every address in a text without one.
 */
const ADDRESS = /\b[a-z][a-z\d+.-]{0,20}:\/\/[^\s"'<>\\]*/gi;

/** An address without user name and password. */
function withoutLogin(address: string): string {
	const end = address.lastIndexOf('@');
	const start = address.indexOf('//') + 2;
	return end === -1 ? address : address.slice(0, start) + SECRET + address.slice(end);
}

/**
 * Takes secrets out of text that goes to logs, errors, hints or items: the key itself, anything
 * that looks like a bearer token or an API key, the signatures of presigned URLs, and what logs in at
 * an address.
 */
export function redact(text: string, apiKey = ''): string {
	const withoutKey = apiKey === '' ? text : text.split(apiKey).join(SECRET);
	return withoutKey
		.replace(BEARER, `Bearer ${SECRET}`)
		.replace(KEY_SHAPE, SECRET)
		.replace(SIGNATURE, `$1${SECRET}`)
		.replace(ADDRESS, withoutLogin);
}
