/** Count what is done instead of how long it takes, so that sizes can be compared on any machine. */

type Meter = (self: unknown, args: readonly unknown[]) => number;

/** What a job does by methods of a built-in class. */
function measured(prototype: object, meters: Record<string, Meter>, job: () => void): number {
	let work = 0;
	const originals = Object.entries(meters).map(([name, meter]) => {
		const original: unknown = Reflect.get(prototype, name);
		if (typeof original !== 'function') throw new Error(`There is no ${name}`);
		Reflect.set(prototype, name, function (this: unknown, ...args: unknown[]): unknown {
			work += meter(this, args);
			const result: unknown = Reflect.apply(original, this, args);
			return result;
		});
		return { name, original };
	});
	try {
		job();
	} finally {
		for (const { name, original } of originals) Reflect.set(prototype, name, original);
	}
	return work;
}

const length = (value: unknown) => (typeof value === 'string' ? value.length : 0);

/** Characters that texts are compared by. */
export function comparedBy(job: () => void): number {
	const meters = {
		startsWith: (text: unknown, [search]: readonly unknown[]) =>
			Math.min(length(text), length(search)),
		charCodeAt: () => 1,
	};
	return measured(String.prototype, meters, job);
}

/** Elements of lists that are walked through, at most. */
export function walkedBy(job: () => void): number {
	const size: Meter = (list) => (Array.isArray(list) ? list.length : 0);
	const methods = ['every', 'filter', 'find', 'flatMap', 'includes', 'map', 'some', 'sort'];
	return measured(Array.prototype, Object.fromEntries(methods.map((name) => [name, size])), job);
}
