/** Looks for secrets where they must not get to. */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

import type { Service } from '../queue/services.mts';

/** Whatever is written to a Redis, until it is disposed of. */
export interface RedisWatch extends Disposable {
	/** Commands so far. */
	readonly commands: number;
	/** Those that had something in them that must not be there. */
	readonly leaks: readonly string[];
}

/** Listens to all that a Redis is told from now on. */
export async function watchRedis(
	{ host, port }: Service,
	leaksIn: (text: string) => readonly string[],
): Promise<RedisWatch> {
	const socket = connect(port, host);
	let commands = 0;
	const leaks: string[] = [];
	const lines = createInterface({ input: socket });
	const begun = new Promise<void>((resolve, reject) => {
		socket.once('error', reject);
		lines.once('line', () => resolve());
	});
	lines.on('line', (line) => {
		commands += 1;
		for (const leak of leaksIn(line)) leaks.push(`${leak} in ${line.slice(0, 200)}`);
	});
	socket.write('MONITOR\r\n');
	await begun;
	return {
		get commands() {
			return commands;
		},
		leaks,
		[Symbol.dispose]: () => void socket.destroy(),
	};
}

/**
 * Makes a search for secrets.
 *
 * @returns the names of those that a text has, as they are or as bytes in hexadecimal or base64
 */
export function secretsIn(secrets: Readonly<Record<string, string>>) {
	const forms = Object.entries(secrets).flatMap(([name, secret]) => {
		const bytes = Buffer.from(secret);
		// In base64 a text looks different for each place where it can begin.
		const inBase64 = [0, 1, 2].map((shift) =>
			Buffer.concat([Buffer.alloc(shift), bytes])
				.toString('base64')
				.slice(4, -4),
		);
		return [secret, bytes.toString('hex'), ...inBase64].map((form) => ({ name, form }));
	});
	return (text: string): readonly string[] =>
		forms.filter(({ form }) => text.includes(form)).map(({ name, form }) => `${name} (${form})`);
}
