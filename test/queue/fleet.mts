/** n8n in queue mode as docs/queue-mode/compose.yaml has it: a main instance and workers. */
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { buildPackage } from '../e2e/demo/demoInstance.mts';
import { installedN8n, npmEnvironment } from '../e2e/n8n/install.mts';
import { N8n } from '../e2e/n8n/n8n.mts';
import { DEMO_FOLDER, ROOT } from '../e2e/n8n/paths.mts';
import { npmCommand, run } from '../e2e/n8n/process.mts';
import { N8nRest } from '../e2e/n8n/rest.mts';
import { packPackage } from '../package/pack.mts';
import { dumpPostgres, findServers, startPostgres, startRedis, type Service } from './services.mts';

const COMPOSE = path.join(ROOT, 'docs', 'queue-mode', 'compose.yaml');
/** Executions at once. */
const WORKER_CONCURRENCY = 10;

/** A main instance and its workers, until it is disposed of. */
export interface Fleet extends AsyncDisposable {
	readonly main: N8n;
	/** The one of the main instance as it runs now. */
	readonly rest: N8nRest;
	readonly redis: Service;
	/** By name. A worker that is killed stays in here. */
	readonly workers: ReadonlyMap<string, N8n>;
	/** What a worker has logged so far. */
	log(worker: string): Promise<string>;
	/** Everything that anybody has logged so far, also into files of their own, by file. */
	logs(): Promise<ReadonlyMap<string, string>>;
	/** All that is in the database, as text. */
	dumpDatabase(): Promise<string>;
	/** Starts one more worker. */
	addWorker(name: string): Promise<N8n>;
	/** Cuts the main instance off, as a power cut would, and starts it again where it was. */
	restartMain(): Promise<void>;
}

/** The variables that all of n8n's processes have in the compose file, as text. */
async function composeEnvironment(): Promise<Map<string, string>> {
	const text = await readFile(COMPOSE, 'utf8');
	const block = /^x-n8n:[^]*?^ {2}environment:\n([^]*?)^ {2}\S/m.exec(text)?.[1] ?? '';
	const entries = [...block.matchAll(/^ {4}([A-Z0-9_]+): "?(.*?)"?$/gm)];
	return new Map(entries.map(([, name = '', value = '']) => [name, value]));
}

/** The same variables, with the places and secrets of this run. */
async function environment(
	own: Readonly<Record<string, string | number>>,
): Promise<NodeJS.ProcessEnv> {
	const variables = await composeEnvironment();
	for (const name of Object.keys(own)) {
		if (!variables.has(name)) throw new Error(`compose.yaml does not set ${name}.`);
	}
	const result: NodeJS.ProcessEnv = {};
	for (const [name, value] of variables) {
		// An address of the main instance is only known when it has been started.
		if (name === 'WEBHOOK_URL') continue;
		const set = own[name] ?? value;
		if (String(set).includes('${')) throw new Error(`compose.yaml leaves ${name} open.`);
		result[name] = String(set);
	}
	return result;
}

/** The folder with community nodes of the image in the compose file, made with the same command. */
async function installNodes(packageFolder: string, folder: string): Promise<string> {
	const compose = await readFile(COMPOSE, 'utf8');
	const command = /RUN npm (install .*) n8n-nodes-inferencesh$/m.exec(compose)?.[1];
	if (command === undefined) throw new Error('compose.yaml does not install the package.');
	await mkdir(folder);
	const npm = npmCommand();
	await run(
		'npm install',
		npm.command,
		// A copy of the folder, as if it came from the registry.
		[
			...npm.args,
			...command.split(' '),
			'--install-links',
			'--no-audit',
			'--no-fund',
			packageFolder,
		],
		{ cwd: folder, env: npmEnvironment() },
	);
	return folder;
}

export interface FleetOptions {
	/** Names of the workers. */
	readonly workers: readonly string[];
	/** Executions that a worker takes at once. Default 10. */
	readonly workerConcurrency?: number;
	/** Settings besides those of the compose file. */
	readonly env?: NodeJS.ProcessEnv;
	/** Gets a line for each step. */
	say(line: string): void;
	/** Called before the main instance starts. */
	prepare(main: N8n): Promise<void>;
}

/** Starts Redis, PostgreSQL, n8n's main instance and workers, all with this package. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
	const say = (line: string): void => options.say(line);
	await using undo = new AsyncDisposableStack();
	const programs = await findServers();
	const installed = await installedN8n(say);
	await buildPackage();
	const packed = undo.use(await packPackage());
	const folder = await mkdtemp(path.join(tmpdir(), 'n8n-nodes-inferencesh-queue-'));
	undo.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
	const redis = undo.use(await startRedis(programs.redis, path.join(folder, 'redis')));
	const postgres = undo.use(await startPostgres(programs.postgres, path.join(folder, 'postgres')));
	say('Redis and PostgreSQL started');
	const env = {
		...(await environment({
			QUEUE_BULL_REDIS_HOST: redis.host,
			QUEUE_BULL_REDIS_PORT: redis.port,
			DB_POSTGRESDB_HOST: postgres.host,
			DB_POSTGRESDB_PORT: postgres.port,
			DB_POSTGRESDB_DATABASE: postgres.database,
			DB_POSTGRESDB_USER: postgres.user,
			DB_POSTGRESDB_PASSWORD: postgres.password,
			N8N_ENCRYPTION_KEY: randomBytes(24).toString('hex'),
		})),
		...options.env,
	};
	const nodes = await installNodes(packed.directory, path.join(folder, 'nodes'));
	const logFile = (name: string): string => path.join(DEMO_FOLDER, `queue-${name}.log`);
	/** Each with a user folder of its own, as in containers of their own. */
	const open = async (name: string, more: NodeJS.ProcessEnv = {}): Promise<N8n> => {
		const home = path.join(folder, name);
		await mkdir(home, { recursive: true });
		const n8n = await N8n.open({
			installed,
			home,
			env: { ...env, ...more },
			logFile: logFile(name),
		});
		await cp(nodes, path.join(home, '.n8n', 'nodes'), { recursive: true });
		return n8n;
	};

	const main = await open('main');
	await options.prepare(main);
	await main.start();
	undo.defer(() => main.stop());
	const signIn = async (): Promise<N8nRest> => new N8nRest(main.url, await main.signIn());
	let rest = await signIn();
	say(`main instance started at ${main.url}`);
	const workers = new Map<string, N8n>();
	const addWorker = async (name: string): Promise<N8n> => {
		const worker = await open(name, { WEBHOOK_URL: `${main.url}/` });
		await worker.startWorker(options.workerConcurrency ?? WORKER_CONCURRENCY);
		workers.set(name, worker);
		return worker;
	};
	undo.defer(async () => void (await Promise.all([...workers.values()].map((one) => one.stop()))));
	await Promise.all(options.workers.map(addWorker));
	say(`workers started: ${options.workers.join(', ')}`);
	const atTheEnd = undo.move();
	return {
		main,
		get rest() {
			return rest;
		},
		redis,
		workers,
		addWorker,
		async restartMain() {
			await main.kill();
			await main.start();
			rest = await signIn();
		},
		dumpDatabase: async () => await dumpPostgres(programs.postgres, postgres),
		async logs() {
			const names = ['main', ...workers.keys()];
			const own = names.map(async (name) => {
				const home = path.join(folder, name, '.n8n');
				const found = (await readdir(home)).filter((file) => file.endsWith('.log'));
				return found.map((file) => path.join(home, file));
			});
			const files = [...names.map(logFile), ...(await Promise.all(own)).flat()];
			return new Map(
				await Promise.all(files.map(async (file) => [file, await readFile(file, 'utf8')] as const)),
			);
		},
		log: async (name) => await readFile(logFile(name), 'utf8'),
		[Symbol.asyncDispose]: async () => await atTheEnd.disposeAsync(),
	};
}
