/** How deep a value may be nested: what writes it as JSON is recursive, and much deeper has no stack. */
const DEEPEST = 1_000;

/** What is wrong with a value that is nested too deep; continues "Parameter "Input (JSON)" …". */
export const TOO_DEEP = `is nested more than ${DEEPEST} levels deep, or contains itself`;

/** Whether a value is nested too deep to be sent. Looks at it level by level, not recursively. */
export function isTooDeep(value: unknown): boolean {
	let level = new Set([value].filter(isContainer));
	for (let depth = 0; level.size > 0; depth += 1) {
		if (depth === DEEPEST) return true;
		const next = new Set<object>();
		for (const container of level) {
			const inside: readonly unknown[] = Array.isArray(container)
				? container
				: Object.values(container);
			for (const inner of inside) if (isContainer(inner)) next.add(inner);
		}
		level = next;
	}
	return false;
}

/** Whether a value says itself what it is as JSON, as dates do. */
export function isOwnJson(value: object): value is { toJSON(): unknown } {
	return 'toJSON' in value && typeof value.toJSON === 'function';
}

/** What dates and the like are made of is not sent. */
function isContainer(value: unknown): value is object {
	return typeof value === 'object' && value !== null && !isOwnJson(value);
}
