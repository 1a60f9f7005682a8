/** What the form calls a field: its name, with unit and range where the schema has them. */
import { describe, expect, it } from 'vitest';
import { readForm } from '../../../nodes/client/apps/inputSchema.ts';
import type { JsonObject } from '../../../nodes/client/util/json.ts';
import { displayNameOf } from '../../../nodes/shared/parameters/appForm.ts';

function labelOf(id: string, property: JsonObject): string | undefined {
	const [field] = readForm({ properties: { [id]: property } }).fields;
	return field && displayNameOf(field);
}

describe('the label of a number', () => {
	it.each<[id: string, property: JsonObject, label: string]>([
		['width', { minimum: 1, maximum: 16384 }, 'Width (1–16384)'],
		['steps', { minimum: 1 }, 'Steps (at least 1)'],
		['size', { exclusiveMinimum: 0, maximum: 10 }, 'Size (above 0, up to 10)'],
		['noise', { minimum: -1, maximum: 1 }, 'Noise (-1 to 1)'],
		['duration_ms', {}, 'Duration (ms)'],
		['duration_seconds', { minimum: 5, maximum: 600 }, 'Duration (seconds, 5–600)'],
		['length', { description: 'Length of the song in seconds' }, 'Length (seconds)'],
		['sample_rate_hertz', { description: 'Sample rate in Hz' }, 'Sample Rate (Hz)'],
		['rate', { description: 'How often, in hertz' }, 'Rate (Hz)'],
		['target_fps', { minimum: 15, maximum: 240 }, 'Target Fps (15–240)'],
		['fps', { description: 'Frames per second' }, 'Fps'],
		['delay', { unit: 'ms' }, 'Delay (ms)'],
	])('%s %j', (id, property, label) => {
		expect(labelOf(id, { type: 'number', ...property })).toBe(label);
	});

	it.each<[title: string, property: JsonObject, label: string]>([
		['Duration (seconds)', { unit: 'seconds' }, 'Duration (seconds)'],
		['Duration (seconds)', { minimum: 1, maximum: 9 }, 'Duration (seconds, 1–9)'],
		['Strength (0-1)', { minimum: 0, maximum: 1 }, 'Strength (0-1)'],
		['Strength 0 – 1', { minimum: 0, maximum: 1 }, 'Strength 0 – 1'],
		['Width in px', { unit: 'px' }, 'Width in px'],
		['Items', { unit: 'ms' }, 'Items (ms)'],
		['Feedback', { unit: 'dB' }, 'Feedback (dB)'],
		['Level 10–100', { minimum: 0, maximum: 10 }, 'Level 10–100 (0–10)'],
	])('says nothing twice that its title says: %s %j', (title, property, label) => {
		expect(labelOf('a', { type: 'number', title, ...property })).toBe(label);
	});
});
