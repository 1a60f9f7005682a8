/** Suggestions for names that do not exist. */

function similarity(a: string, b: string): number {
	const pairs = (text: string): Set<string> => {
		const found = new Set<string>();
		for (let i = 0; i < text.length - 1; i++) found.add(text.slice(i, i + 2));
		return found;
	};
	const left = pairs(a);
	const right = pairs(b);
	let common = 0;
	for (const pair of left) if (right.has(pair)) common++;
	return (2 * common) / (left.size + right.size || 1);
}

/** Up to three names that are much like the one that was asked for, the most similar first. */
export function similar(asked: string, names: Iterable<string>): readonly string[] {
	return [...names]
		.map((name) => ({ name, score: similarity(asked, name) }))
		.filter(({ score }) => score > 0.3)
		.sort((a, b) => b.score - a.score)
		.slice(0, 3)
		.map(({ name }) => name);
}

/** The end of a sentence that names them; empty if there are none. */
export function didYouMean(asked: string, names: Iterable<string>): string {
	const found = similar(asked, names);
	return found.length > 0 ? `; did you mean ${found.join(', ')}?` : '';
}
