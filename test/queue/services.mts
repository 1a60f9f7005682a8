/** A Redis and a PostgreSQL of their own: binaries of the system, loopback only, nothing kept. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import { freePort } from '../e2e/n8n/n8n.mts';
import { ProcessError, run, stopProcess, Tail } from '../e2e/n8n/process.mts';

const START_MS = 30_000;
const STOP_MS = 10_000;

export interface Service extends AsyncDisposable {
	readonly host: string;
	readonly port: number;
}

export interface Database extends Service {
	readonly database: string;
	readonly user: string;
	readonly password: string;
}

/** Distributions keep the server's programs out of the PATH, one folder for each version. */
const POSTGRES_FOLDERS = ['/usr/lib/postgresql', '/usr/local/pgsql', '/opt/homebrew/opt'];

async function findPrograms(names: readonly string[]): Promise<string | undefined> {
	const versions = await Promise.all(
		POSTGRES_FOLDERS.map(async (folder) =>
			(await readdir(folder).catch((): string[] => []))
				.sort((left, right) => right.localeCompare(left, 'en', { numeric: true }))
				.map((name) => path.join(folder, name, 'bin')),
		),
	);
	const onPath = (process.env['PATH'] ?? '').split(path.delimiter);
	return [...onPath, ...versions.flat()].find((folder) =>
		names.every((name) => existsSync(path.join(folder, name))),
	);
}

/**
 * Where the servers' programs are.
 *
 * @throws Error that says how to get them
 */
export async function findServers(): Promise<{ redis: string; postgres: string }> {
	const redis = await findPrograms(['redis-server']);
	const postgres = await findPrograms(['initdb', 'postgres', 'createdb']);
	const missing = [
		...(redis === undefined ? ['redis-server'] : []),
		...(postgres === undefined ? ['postgresql'] : []),
	];
	if (redis === undefined || postgres === undefined) {
		throw new Error(
			`Queue mode needs ${missing.join(' and ')}, which was not found here. On Debian and Ubuntu: sudo apt-get install -y ${missing.join(' ')}`,
		);
	}
	return { redis: path.join(redis, 'redis-server'), postgres };
}

/** A server that has been started, until it is disposed of. */
async function serve(
	name: string,
	child: ChildProcess,
	port: number,
): Promise<Pick<Service, typeof Symbol.asyncDispose>> {
	const tail = new Tail();
	for (const stream of [child.stdout, child.stderr]) {
		if (stream) createInterface({ input: stream }).on('line', (line) => tail.add(line));
	}
	let failure: Error | undefined;
	child.once('error', (error) => (failure = error));
	const deadline = Date.now() + START_MS;
	while (!(await accepts(port))) {
		if (failure) throw failure;
		if (child.exitCode !== null || Date.now() > deadline) {
			await stopProcess(child, STOP_MS);
			throw new ProcessError(`${name} did not start.`, tail.lines);
		}
		await delay(100);
	}
	return { [Symbol.asyncDispose]: async () => await stopProcess(child, STOP_MS, 'SIGINT') };
}

function accepts(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, '127.0.0.1');
		socket.once('connect', () => {
			socket.destroy();
			resolve(true);
		});
		socket.once('error', () => resolve(false));
	});
}

/** @param folder where it may write; made if it is not there */
export async function startRedis(program: string, folder: string): Promise<Service> {
	await mkdir(folder, { recursive: true });
	const port = await freePort();
	const child = spawn(
		program,
		['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', ''],
		{ stdio: ['ignore', 'pipe', 'pipe'] },
	);
	return { host: '127.0.0.1', port, ...(await serve('Redis', child, port)) };
}

/**
 * @param programs folder of PostgreSQL's programs
 * @param folder where it may write; made if it is not there
 */
export async function startPostgres(programs: string, folder: string): Promise<Database> {
	const login = await unprivileged();
	await mkdir(folder, { recursive: true });
	if (login) {
		// The servers' account has to get there and must own it.
		await chmod(path.dirname(folder), 0o711);
		await chown(folder, login.uid, login.gid);
	}
	const [user, password, database] = ['n8n', randomBytes(12).toString('hex'), 'n8n'];
	const passwordFile = path.join(folder, 'password');
	await writeFile(passwordFile, password, { mode: 0o600 });
	if (login) await chown(passwordFile, login.uid, login.gid);
	const data = path.join(folder, 'data');
	const options = { cwd: folder, ...login };
	await run(
		'initdb',
		path.join(programs, 'initdb'),
		[
			`--pgdata=${data}`,
			`--username=${user}`,
			`--pwfile=${passwordFile}`,
			'--auth=scram-sha-256',
			'--encoding=UTF8',
			'--locale=C',
			'--no-sync',
		],
		options,
	);
	const port = await freePort();
	const settings = [
		'listen_addresses=127.0.0.1',
		`port=${port}`,
		'unix_socket_directories=',
		// Nothing here outlives the test.
		'fsync=off',
	];
	const child = spawn(
		path.join(programs, 'postgres'),
		['-D', data, ...settings.flatMap((setting) => ['-c', setting])],
		{ ...options, stdio: ['ignore', 'pipe', 'pipe'] },
	);
	const server = await serve('PostgreSQL', child, port);
	try {
		await run(
			'createdb',
			path.join(programs, 'createdb'),
			['--host=127.0.0.1', `--port=${port}`, `--username=${user}`, database],
			{ env: { ...process.env, PGPASSWORD: password } },
		);
	} catch (error) {
		await server[Symbol.asyncDispose]();
		throw error;
	}
	return { host: '127.0.0.1', port, user, password, database, ...server };
}

/**
 * All that is in a database, as text; bytes are hexadecimal.
 *
 * @param programs folder of PostgreSQL's programs
 */
export async function dumpPostgres(programs: string, of: Database): Promise<string> {
	return await run(
		'pg_dump',
		path.join(programs, 'pg_dump'),
		[`--host=${of.host}`, `--port=${of.port}`, `--username=${of.user}`, of.database],
		{ env: { ...process.env, PGPASSWORD: of.password } },
	);
}

/** PostgreSQL refuses to run as root: then the account that its package brings, or any other. */
async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
	if (process.getuid?.() !== 0) return undefined;
	for (const name of ['postgres', 'nobody']) {
		try {
			const [uid, gid] = await Promise.all(
				['-u', '-g'].map(async (flag) => Number(await run('id', 'id', [flag, name]))),
			);
			if (uid !== undefined && gid !== undefined) return { uid, gid };
		} catch {
			// There is no such account on this machine.
		}
	}
	throw new Error(
		'PostgreSQL does not run as root, and there is no account "postgres" or "nobody".',
	);
}
