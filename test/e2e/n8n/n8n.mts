/** A private n8n: own user folder, loopback only, nothing sent to anybody. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import type { InstalledN8n } from './install.mts';
import { nodeForN8n } from './paths.mts';
import { ProcessError, run, stopProcess, Tail } from './process.mts';
import { BROWSER_ID } from './rest.mts';

const START_MS = 120_000;
const STOP_MS = 15_000;
/** n8n's own default: bookmarks and the habit of n8n users. */
const USUAL_PORT = 5678;

/** What this instance keeps between runs. */
interface Secrets {
	readonly encryptionKey: string;
	readonly password: string;
}

export interface Owner {
	readonly email: string;
	readonly password: string;
}

export interface N8nOptions {
	readonly installed: InstalledN8n;
	/** The user folder; n8n makes its `.n8n` in there. */
	readonly home: string;
	/** Variables on top of the instance's own. */
	readonly env?: NodeJS.ProcessEnv;
	/** Ends command line runs and a start under way; a started server is ended by `stop`. */
	readonly signal?: AbortSignal | undefined;
	/** Where everything that the server prints is kept, for looking at later. */
	readonly logFile?: string;
	/** Gets every line that the server prints. */
	readonly onLine?: (line: string) => void;
	/** Arguments of Node itself for the server, such as `--inspect`. */
	readonly nodeArgs?: readonly string[];
}

/** One run of one node. */
export interface NodeRun {
	readonly executionTime: number;
	readonly executionStatus: string;
	readonly hints?: ReadonlyArray<{ readonly message: string }>;
	/** Items by output. */
	readonly data?: {
		readonly main: ReadonlyArray<ReadonlyArray<{
			readonly json: Readonly<Record<string, unknown>>;
			readonly pairedItem?: unknown;
		}> | null>;
	};
}

/** An execution as the command line prints it. */
export interface WorkflowRun {
	readonly status: string;
	readonly data: {
		readonly resultData: {
			/** What ended it, if something did. */
			readonly error?: { readonly message: string };
			/** By the node's name. */
			readonly runData: Readonly<Record<string, readonly NodeRun[]>>;
		};
	};
}

interface Server {
	readonly process: ChildProcess;
	readonly url: string;
	readonly tail: Tail;
}

/** Settings of n8n, and of npm, that the shell may hold for another instance. */
const FOREIGN =
	/^(N8N|DB|EXECUTIONS|QUEUE|WEBHOOK|EXTERNAL|CREDENTIALS|GENERIC|WORKFLOWS|NODES|VUE_APP|npm)_/i;

/**
 * Everything that would reach out by itself (telemetry, version checks, templates, banners, the
 * list of verified nodes, licence, MCP registry) is off.
 */
const QUIET: NodeJS.ProcessEnv = {
	N8N_DIAGNOSTICS_ENABLED: 'false',
	N8N_DIAGNOSTICS_CONFIG_FRONTEND: '',
	N8N_DIAGNOSTICS_CONFIG_BACKEND: '',
	N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED: 'false',
	N8N_TEMPLATES_ENABLED: 'false',
	N8N_PERSONALIZATION_ENABLED: 'false',
	N8N_DYNAMIC_BANNERS_ENABLED: 'false',
	N8N_HIRING_BANNER_ENABLED: 'false',
	N8N_LICENSE_AUTO_RENEW_ENABLED: 'false',
	N8N_VERIFIED_PACKAGES_ENABLED: 'false',
	N8N_DISABLED_MODULES: 'mcp-registry,instance-ai,agents',
	EXTERNAL_FRONTEND_HOOKS_URLS: '',
};

export class N8n {
	private port: number | undefined;
	private readonly options: N8nOptions;
	private readonly secrets: Secrets;
	private server: Server | undefined;
	private started = false;

	private constructor(options: N8nOptions, secrets: Secrets) {
		this.options = options;
		this.secrets = secrets;
	}

	/** Opens the instance of this user folder; makes one if there is none. */
	static async open(options: N8nOptions): Promise<N8n> {
		await mkdir(options.home, { recursive: true });
		return new N8n(options, await keptSecrets(path.join(options.home, 'secrets.json')));
	}

	/** The editor's address while n8n is started. */
	get url(): string {
		if (!this.server) throw new Error('n8n is not started.');
		return this.server.url;
	}

	/** The login of the owner that `signIn` makes. */
	get owner(): Owner {
		return { email: 'demo@example.com', password: this.secrets.password };
	}

	/**
	 * Puts a built package where n8n keeps installed community packages. A copy, not a link:
	 * through a link the package would find this project's node_modules, which no user has.
	 */
	async link(packageFolder: string): Promise<void> {
		const text = await readFile(path.join(packageFolder, 'package.json'), 'utf8');
		// As n8n's own installation does.
		const { devDependencies: _dev, peerDependencies: _peer, ...manifest } = parseManifest(text);
		if (Object.keys(manifest.dependencies ?? {}).length > 0) {
			throw new Error(`${manifest.name} has dependencies; they are not installed here.`);
		}
		const target = this.placeOf(manifest.name);
		await rm(target, { recursive: true, force: true });
		await mkdir(target, { recursive: true });
		await writeFile(path.join(target, 'package.json'), JSON.stringify(manifest, null, '\t'));
		await cp(path.join(packageFolder, 'dist'), path.join(target, 'dist'), { recursive: true });
	}

	/**
	 * Brings a linked package to what is built now, in place: n8n's hot reload would not notice
	 * anything in a folder that was made anew.
	 */
	async refresh(packageFolder: string): Promise<void> {
		const { name } = parseManifest(
			await readFile(path.join(packageFolder, 'package.json'), 'utf8'),
		);
		const target = path.join(this.placeOf(name), 'dist');
		await cp(path.join(packageFolder, 'dist'), target, { recursive: true });
	}

	private placeOf(packageName: string): string {
		return path.join(this.options.home, '.n8n', 'nodes', 'node_modules', packageName);
	}

	/**
	 * Runs one command of n8n's command line.
	 *
	 * @returns what it printed
	 * @throws ProcessError with its last lines
	 */
	async cli(args: readonly string[]): Promise<string> {
		const [command] = args;
		return await run(`n8n ${command}`, nodeForN8n(), [this.options.installed.script, ...args], {
			cwd: this.options.home,
			env: await this.environment(),
			signal: this.options.signal,
		});
	}

	/**
	 * Executes a workflow by n8n's command line.
	 *
	 * @throws ProcessError if the execution fails
	 */
	async execute(workflowId: string): Promise<WorkflowRun> {
		const printed = await this.cli(['execute', `--id=${workflowId}`, '--rawOutput']).catch(
			(error: unknown) => {
				throw executionError(error) ?? error;
			},
		);
		// In spite of its name, "raw" output has log lines before and after the JSON.
		const json = /^\{$[^]*?^\}$/m.exec(printed)?.[0];
		if (json === undefined) throw new ProcessError('n8n execute printed no result.', [printed]);
		return JSON.parse(json) as WorkflowRun;
	}

	/** Imports n8n's JSON, through a file: the command line takes nothing else. */
	async importJson(kind: 'credentials' | 'workflow', content: readonly unknown[]): Promise<void> {
		const file = path.join(this.options.home, `import-${kind}.json`);
		await writeFile(file, JSON.stringify(content), { mode: 0o600 });
		try {
			await this.cli([`import:${kind}`, `--input=${file}`]);
		} finally {
			// Credentials are in there as plain text.
			await rm(file, { force: true });
		}
	}

	/** Starts the server and settles when it answers. */
	async start(): Promise<void> {
		if (this.server) return;
		// Where it was before, so that an open editor finds it again.
		const port = await freePort(this.port ?? USUAL_PORT);
		this.port = port;
		const url = `http://127.0.0.1:${port}`;
		await this.serve(url, ['start'], ['/healthz/readiness', '/rest/settings'], {
			N8N_PORT: String(port),
			N8N_EDITOR_BASE_URL: url,
			WEBHOOK_URL: `${url}/`,
		});
	}

	/** Starts a worker of queue mode instead and settles when it takes executions. */
	async startWorker(concurrency: number): Promise<void> {
		const port = await freePort();
		const url = `http://127.0.0.1:${port}`;
		await this.serve(url, ['worker', `--concurrency=${concurrency}`], ['/healthz/readiness'], {
			QUEUE_HEALTH_CHECK_ACTIVE: 'true',
			QUEUE_HEALTH_CHECK_PORT: String(port),
			N8N_WORKER_SERVER_ADDRESS: '127.0.0.1',
		});
	}

	private async serve(
		url: string,
		args: readonly string[],
		probes: readonly string[],
		env: NodeJS.ProcessEnv,
	): Promise<void> {
		const { installed, logFile, nodeArgs = [], onLine } = this.options;
		const child = spawn(nodeForN8n(), [...nodeArgs, installed.script, ...args], {
			cwd: this.options.home,
			env: { ...(await this.environment()), ...env },
			stdio: ['ignore', 'pipe', 'pipe'],
			// Out of the terminal's process group: Ctrl+C is for this process, which then stops n8n.
			detached: process.platform !== 'win32',
		});
		const tail = new Tail();
		// Of a server that is started again all is kept.
		const flags = this.started ? 'a' : 'w';
		this.started = true;
		const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags });
		for (const stream of [child.stdout, child.stderr]) {
			createInterface({ input: stream }).on('line', (line) => {
				tail.add(line);
				log?.write(`${line}\n`);
				onLine?.(line);
			});
		}
		let failure: Error | undefined;
		child.once('error', (error) => (failure = error));
		this.server = { process: child, url, tail };
		const deadline = Date.now() + START_MS;
		const ready = async (): Promise<boolean> =>
			(await Promise.all(probes.map((probe) => answers(url + probe)))).every(Boolean);
		try {
			while (!(await ready())) {
				this.options.signal?.throwIfAborted();
				if (failure) throw failure;
				if (child.exitCode !== null || child.signalCode !== null) {
					throw new ProcessError('n8n ended while starting.', tail.lines);
				}
				if (Date.now() > deadline) {
					throw new ProcessError(`n8n did not answer within ${START_MS / 1000} s.`, tail.lines);
				}
				await delay(250);
			}
		} catch (error) {
			await this.stop();
			throw error;
		}
	}

	/** Settles when the started server has ended, by itself or not. */
	async ended(): Promise<void> {
		const child = this.server?.process;
		if (!child || child.exitCode !== null || child.signalCode !== null) return;
		await new Promise<void>((resolve) => child.once('exit', () => resolve()));
	}

	/** Whether the server was started and has not ended since. */
	get running(): boolean {
		const child = this.server?.process;
		return child !== undefined && child.exitCode === null && child.signalCode === null;
	}

	/** Process id of the started server. */
	get pid(): number | undefined {
		return this.server?.process.pid;
	}

	/** Ends the server at once, without a chance to tidy up, as a power cut would. */
	async kill(): Promise<void> {
		const child = this.server?.process;
		this.server = undefined;
		if (child) await stopProcess(child, 0, 'SIGKILL');
	}

	/** The last lines that the server printed. */
	get lastLines(): readonly string[] {
		return this.server?.tail.lines ?? [];
	}

	/**
	 * Stops the server, if it was started.
	 *
	 * @param patienceMs what it is given to finish what it does
	 */
	async stop(patienceMs = STOP_MS): Promise<void> {
		const server = this.server;
		this.server = undefined;
		if (server) await stopProcess(server.process, patienceMs);
	}

	/**
	 * Makes the owner account, or signs in where it exists.
	 *
	 * @returns the session cookie
	 */
	async signIn(): Promise<string> {
		const { email, password } = this.owner;
		const post = (where: string, body: object): Promise<Response> =>
			fetch(`${this.url}/rest/${where}`, {
				method: 'POST',
				headers: { 'content-type': 'application/json', 'browser-id': BROWSER_ID },
				body: JSON.stringify(body),
			});
		const made = await post('owner/setup', {
			email,
			password,
			firstName: 'Demo',
			lastName: 'User',
		});
		const answer = made.ok ? made : await post('login', { emailOrLdapLoginId: email, password });
		const cookie = answer.headers.getSetCookie()[0]?.split(';')[0];
		if (!answer.ok || cookie === undefined) {
			throw new Error(
				`n8n refused the account of the demo (HTTP ${answer.status}): ${await answer.text()}`,
			);
		}
		return cookie;
	}

	private async environment(): Promise<NodeJS.ProcessEnv> {
		const env: NodeJS.ProcessEnv = {};
		for (const [name, value] of Object.entries(process.env)) {
			// With the NODE_ENV of a test runner n8n neither logs nor starts.
			if (!FOREIGN.test(name) && !['NODE_OPTIONS', 'NODE_ENV'].includes(name)) env[name] = value;
		}
		const direct = [env['NO_PROXY'] ?? env['no_proxy'], 'localhost', '127.0.0.1', '::1'];
		const noProxy = direct.filter((entry) => entry !== undefined && entry !== '').join(',');
		return {
			...env,
			...QUIET,
			NO_PROXY: noProxy,
			no_proxy: noProxy,
			N8N_USER_FOLDER: this.options.home,
			N8N_ENCRYPTION_KEY: this.secrets.encryptionKey,
			N8N_ENFORCE_SETTINGS_FILE_PERMISSIONS: 'true',
			N8N_LISTEN_ADDRESS: '127.0.0.1',
			// Not every browser takes a secure cookie from plain http, loopback or not.
			N8N_SECURE_COOKIE: 'false',
			// n8n's broker for Code nodes has a fixed port, which another n8n may hold.
			N8N_RUNNERS_BROKER_PORT: String(await freePort()),
			N8N_UNVERIFIED_PACKAGES_ENABLED: 'true',
			N8N_LOG_LEVEL: 'info',
			N8N_LOG_OUTPUT: 'console',
			NO_COLOR: '1',
			...this.options.env,
		};
	}
}

/** What went wrong in a workflow: n8n prints it between a double line and a stack trace. */
function executionError(error: unknown): Error | undefined {
	if (!(error instanceof ProcessError)) return undefined;
	const lines = error.tail.slice(error.tail.findLastIndex((line) => /^=+$/.test(line)) + 1);
	const stack = lines.findIndex((line) => /^\s+at /.test(line));
	// The line before the stack repeats the message with the error's class.
	const message = lines.slice(0, Math.max(0, stack - 1)).join('\n');
	if (message === '') return undefined;
	return new Error(`The workflow failed: ${message}`, { cause: error });
}

interface Manifest {
	readonly name: string;
	readonly dependencies?: Readonly<Record<string, string>>;
	readonly devDependencies?: unknown;
	readonly peerDependencies?: unknown;
}

function parseManifest(text: string): Manifest {
	return JSON.parse(text) as Manifest;
}

/** The key that n8n encrypts credentials with and the owner's password, made at the first call. */
async function keptSecrets(file: string): Promise<Secrets> {
	try {
		return JSON.parse(await readFile(file, 'utf8')) as Secrets;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
	}
	const secrets: Secrets = {
		encryptionKey: randomBytes(24).toString('base64url'),
		// n8n wants 8 characters, a capital and a digit.
		password: `Demo-${randomBytes(4).toString('hex')}-1`,
	};
	await writeFile(file, JSON.stringify(secrets, null, '\t'), { mode: 0o600 });
	return secrets;
}

async function answers(url: string): Promise<boolean> {
	try {
		const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
		await response.arrayBuffer();
		// n8n serves "starting up" pages as text before it is ready.
		return response.ok && (response.headers.get('content-type') ?? '').includes('json');
	} catch {
		return false;
	}
}

/** A port that nobody listens on at this moment: the wanted one if possible. */
export async function freePort(wanted = 0): Promise<number> {
	const server = createServer();
	const port = await new Promise<number | undefined>((resolve, reject) => {
		server.once('error', (error) => (wanted === 0 ? reject(error) : resolve(undefined)));
		server.listen(wanted, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
	});
	if (port === undefined) return await freePort();
	await new Promise<void>((resolve) => server.close(() => resolve()));
	return port;
}
