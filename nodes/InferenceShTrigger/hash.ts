import { createHash } from 'crypto';

/** Stands for an id in eight characters. */
export function hashOf(id: string): string {
	return createHash('sha256').update(id).digest('base64').slice(0, 8);
}
