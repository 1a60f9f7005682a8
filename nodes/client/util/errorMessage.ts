/** What an error says in words, whatever was thrown. */
export function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** The same as an error, for what may be aborted with anything. */
export function asError(error: unknown): Error {
	return error instanceof Error ? error : new Error(String(error));
}
