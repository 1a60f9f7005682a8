const SECRET = '***';
// Values end before a backslash: in JSON it belongs to the quote or character after it.
const BEARER = /\bBearer\s+[^\s"',;<\\]+/gi;
const KEY_SHAPE = /\binf_[A-Za-z0-9_-]{6,}/g;
/** Headers that log in, as texts and JSON quote them. Basic alone is a word of plans, too. */
const LOGIN_HEADER =
	/(\b(?:authorization(?:\\?["'])?\s*[:=]\s*(?:\\?["'])?Basic\s+|x-api-key(?:\\?["'])?\s*[:=]\s*(?:\\?["'])?))[^\s"',;<\\]+/gi;
/**
 * What signs a URL, or says who signed it: at AWS, Google, Azure, CloudFront, Alibaba, Akamai and others;
 * and keys and passwords in queries. Also in an address that is part of another one.
 */
const SIGNATURE =
	/((?:[?&;~#]|\\u0026|%(?:25)*(?:26|3F|23))(?:[\w.-]{0,40}(?:signature|credential|token_{0,2}|secret|key|key-?id|accessid|key-pair-id|policy|passw(?:or)?d|pwd|jwt|hmac|authorization)|sig|auth|pass)(?:=|%(?:25)*3D))[^&#\s"'<\\]+/gi;
/**
 * An address. That it has a login is found out apart: a pattern that wants an `@` would look for it
 * again from every address in a text without one.
 */
const ADDRESS = /\b[a-z][a-z\d+.-]{0,20}:\/\/[^\s"'<>\\]*/gi;

/** An address without user name and password. */
function withoutLogin(address: string): string {
	const end = address.lastIndexOf('@');
	const start = address.indexOf('//') + 2;
	// What is after a slash is part of a path, unless it looks like the end of a password.
	if (/^[^:]*\//.test(address.slice(start, Math.max(start, end)))) return address;
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
		.replace(LOGIN_HEADER, `$1${SECRET}`)
		.replace(KEY_SHAPE, SECRET)
		.replace(SIGNATURE, `$1${SECRET}`)
		.replace(ADDRESS, withoutLogin);
}
