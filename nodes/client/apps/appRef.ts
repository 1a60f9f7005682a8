/** A reference to an app, taken apart. */
export interface AppRef {
	/** `namespace/name[@version]`, or whatever was given if it has no namespace. */
	readonly app: string;
	readonly function: string | undefined;
}

/** Of three parts the first has to be a type: otherwise something else is meant than the last two. */
const SHAPE = /^((app|agent)\/(?=[^/]+\/))?[^\s/@:]+(\/[^\s/@:]+)?(@[^\s/@:]+)?(:[^\s/@:]+)?$/;

/**
 * Takes `[app/]namespace/name[@version][:function]`, or that of an agent, apart (API notes 2.2); bare names pass.
 *
 * @returns undefined if the text cannot be a reference
 */
export function parseAppRef(text: string): AppRef | undefined {
	const ref = text.trim();
	if (!SHAPE.test(ref)) return undefined;
	const colon = ref.lastIndexOf(':');
	if (colon === -1) return { app: ref, function: undefined };
	return { app: ref.slice(0, colon), function: ref.slice(colon + 1) };
}

/** `namespace/name` of a reference, without type, version and function. */
export function appName(ref: string): string {
	const plain = ref.replace(/[@:].*$/, '');
	return plain.split('/').slice(-2).join('/');
}

/** A reference without function, with another version unless that is undefined. */
export function withVersion(app: string, version: string | undefined): string {
	return version === undefined ? app : `${app.replace(/@.*$/, '')}@${version}`;
}
