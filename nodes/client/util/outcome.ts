/** How a promise ended, as a value. */
export type Outcome<T> =
	| { readonly ok: true; readonly value: T }
	| { readonly ok: false; readonly error: unknown };

/** Waits for a promise without throwing. */
export function outcomeOf<T>(promise: Promise<T>): Promise<Outcome<T>> {
	return promise.then(
		(value): Outcome<T> => ({ ok: true, value }),
		(error: unknown): Outcome<T> => ({ ok: false, error }),
	);
}

/** Calls without throwing. */
export function outcomeOfCall<T>(call: () => T): Outcome<T> {
	try {
		return { ok: true, value: call() };
	} catch (error) {
		return { ok: false, error };
	}
}
