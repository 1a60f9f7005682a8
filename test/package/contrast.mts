/** How well a colour is seen on another, and what n8n shows icons on. */

export type Theme = 'light' | 'dark';

/** Below this n8n's lint says that an icon is close to invisible. */
export const LEAST_CONTRAST = 1.5;

/**
 * What is behind an icon in n8n 2.41.1: a node, the canvas, the list of nodes, the head and the
 * parameters of a panel. A test of the editor compares it with what a browser shows.
 */
export const BEHIND_ICONS: Readonly<Record<Theme, readonly string[]>> = {
	light: ['#ffffff', '#f5f5f5', '#fafafa', '#f0f0f0'],
	dark: ['#2b2b2b', '#171717', '#262626', '#444444'],
};

/** From 1, the same, to 21, black on white: the ratio of WCAG 2. Colours as `#rrggbb`. */
export function contrast(one: string, other: string): number {
	const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
	return (lighter + 0.05) / (darker + 0.05);
}

/** Relative luminance, from 0 for black to 1 for white. */
function luminance(colour: string): number {
	const [, ...parts] = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour) ?? [];
	if (parts.length !== 3) throw new Error(`"${colour}" is no colour of the form #rrggbb`);
	const [red = 0, green = 0, blue = 0] = parts.map((part) => {
		const value = parseInt(part, 16) / 255;
		return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
