/**
 * Whose modules the published package sends requests with: n8n's own, in the layouts in which n8n and
 * community packages are installed, whatever other community packages bring along.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packPackage, ROOT } from './pack.mts';

const run = promisify(execFile);
const MODULES = path.join(ROOT, 'node_modules');

/** Says that it was loaded, and is the real one. */
const speaking = (who: string, name: string) => `
	(globalThis.loaded ??= []).push(${JSON.stringify(who)});
	module.exports = require(${JSON.stringify(path.join(MODULES, name))});
`;
/** How n8n-core loads a node, from its own folder. */
const LOADER = `
	const { createContext, Script } = require('vm');
	const context = createContext({ require });
	exports.load = (file, name) =>
		new Script("new (require('" + file + "')." + name + ")()").runInContext(context);
`;
const LOADER_FILE = 'dist/nodes-loader/load-class-in-isolation.js';
/** Lists apps with a node, as the editor does, and prints who was loaded for it. */
const MAIN = (core: string) => `
	const { load } = require(${JSON.stringify(`${core}/${LOADER_FILE}`)});
	const [file, url] = process.argv.slice(2);
	const node = load(file, 'RunApp');
	const context = {
		getNode: () => ({ name: 'Node', type: 'x', typeVersion: 1, parameters: {} }),
		getCredentials: async () => ({ apiKey: 'inf_key', baseUrl: url, maxConcurrency: 0 }),
		getCurrentNodeParameter: () => undefined,
		logger: { debug() {} },
		helpers: { httpRequest: async () => { (globalThis.loaded ??= []).push('helper'); throw new Error('no'); } },
	};
	node.methods.listSearch.searchApps.call(context).catch(() => {}).then(() => {
		process.stdout.write(JSON.stringify(globalThis.loaded));
		process.exit(0);
	});
`;

type Files = Readonly<Record<string, string>>;
interface Layout {
	readonly what: string;
	/** Files below the folder of the installation. */
	readonly files: Files;
	readonly links?: Files;
	readonly main: string;
	readonly used: string;
}

const mainOf = (file: string, core = 'n8n-core'): Files => ({ [file]: MAIN(core) });
const moduleAt = (folder: string, code: string): Files => ({ [`${folder}/index.js`]: code });
const undiciAt = (folder: string): Files => ({
	...moduleAt(`${folder}/undici`, speaking('host', 'undici')),
	...moduleAt(`${folder}/proxy-from-env`, speaking('host proxies', 'proxy-from-env')),
});

const GLOBAL = 'usr/lib/node_modules';
const N8N = `${GLOBAL}/n8n`;
const STORE = `${N8N}/node_modules/.pnpm`;

const LAYOUTS: readonly Layout[] = [
	{
		what: 'npm, one flat folder',
		files: {
			...mainOf(`${N8N}/bin/n8n.js`),
			[`${N8N}/node_modules/n8n-core/${LOADER_FILE}`]: LOADER,
			...moduleAt(`${N8N}/node_modules/@n8n/backend-network`, ''),
			...undiciAt(`${N8N}/node_modules`),
		},
		main: `${N8N}/bin/n8n.js`,
		used: 'host',
	},
	{
		what: 'npm, with another undici for somebody else in the flat folder',
		files: {
			...mainOf(`${N8N}/bin/n8n.js`),
			[`${N8N}/node_modules/n8n-core/${LOADER_FILE}`]: LOADER,
			...moduleAt(`${N8N}/node_modules/@n8n/backend-network`, ''),
			...undiciAt(`${N8N}/node_modules/@n8n/backend-network/node_modules`),
			...moduleAt(`${N8N}/node_modules/undici`, speaking('wrong', 'undici')),
		},
		main: `${N8N}/bin/n8n.js`,
		used: 'host',
	},
	{
		what: 'pnpm, as in the Docker image: each module sees only what it has asked for',
		files: {
			...mainOf(`${N8N}/bin/n8n.js`),
			[`${STORE}/n8n-core@2/node_modules/n8n-core/${LOADER_FILE}`]: LOADER,
			...moduleAt(`${STORE}/@n8n+backend-network@1/node_modules/@n8n/backend-network`, ''),
			...undiciAt(`${STORE}/undici@7/node_modules`),
		},
		links: {
			[`${N8N}/node_modules/n8n-core`]: `${STORE}/n8n-core@2/node_modules/n8n-core`,
			[`${STORE}/n8n-core@2/node_modules/@n8n/backend-network`]: `${STORE}/@n8n+backend-network@1/node_modules/@n8n/backend-network`,
			[`${STORE}/@n8n+backend-network@1/node_modules/undici`]: `${STORE}/undici@7/node_modules/undici`,
			[`${STORE}/@n8n+backend-network@1/node_modules/proxy-from-env`]: `${STORE}/undici@7/node_modules/proxy-from-env`,
		},
		main: `${N8N}/bin/n8n.js`,
		used: 'host',
	},
	{
		what: 'n8n 1.x and 2.0, whose core has the network itself',
		files: {
			...mainOf(`${N8N}/bin/n8n.js`),
			[`${N8N}/node_modules/n8n-core/${LOADER_FILE}`]: LOADER,
			...undiciAt(`${N8N}/node_modules`),
		},
		main: `${N8N}/bin/n8n.js`,
		used: 'host',
	},
	{
		what: 'started by a process manager from elsewhere, as workers often are',
		files: {
			'opt/pm/start.js': MAIN('../../usr/lib/node_modules/n8n/node_modules/n8n-core').replace(
				/require\("(\.\.[^"]+)"\)/,
				'require(require("path").join(__dirname, "$1"))',
			),
			[`${N8N}/node_modules/n8n-core/${LOADER_FILE}`]: LOADER,
			...moduleAt(`${N8N}/node_modules/@n8n/backend-network`, ''),
			...undiciAt(`${N8N}/node_modules`),
		},
		main: 'opt/pm/start.js',
		used: 'host',
	},
	{
		what: 'an n8n without undici',
		files: {
			...mainOf(`${N8N}/bin/n8n.js`),
			[`${N8N}/node_modules/n8n-core/${LOADER_FILE}`]: LOADER,
			...moduleAt(`${N8N}/node_modules/proxy-from-env`, speaking('host proxies', 'proxy-from-env')),
		},
		main: `${N8N}/bin/n8n.js`,
		used: 'helper',
	},
];

describe('the published package', () => {
	let packed: Awaited<ReturnType<typeof packPackage>>;
	let server: Server;
	let keys: string[] = [];
	let url = '';
	const folders: string[] = [];

	beforeAll(async () => {
		packed = await packPackage();
		server = createServer((request, response) => {
			keys.push(String(request.headers.authorization));
			response.setHeader('content-type', 'application/json');
			response.end('{"success":true,"status":200,"data":{"items":[]}}');
		});
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		const address = server.address();
		url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
	});

	afterAll(async () => {
		server.closeAllConnections();
		server.close();
		await packed[Symbol.asyncDispose]();
		for (const folder of folders) await rm(folder, { recursive: true, force: true });
	});

	async function write(root: string, files: Files, links: Files = {}): Promise<void> {
		for (const [file, code] of Object.entries(files)) {
			await mkdir(path.dirname(path.join(root, file)), { recursive: true });
			await writeFile(path.join(root, file), code);
		}
		for (const [link, target] of Object.entries(links)) {
			await mkdir(path.dirname(path.join(root, link)), { recursive: true });
			await symlink(path.join(root, target), path.join(root, link));
		}
	}

	it.each(LAYOUTS)('$what: requests go through $used', async ({ files, links, main, used }) => {
		const root = await mkdtemp(path.join(tmpdir(), 'n8n-layout-'));
		folders.push(root);
		keys = [];
		await write(root, files, links);
		// Where n8n installs community packages, with others beside ours.
		const community = path.join(root, 'home/node/.n8n/nodes/node_modules');
		const ours = path.join(community, 'n8n-nodes-inferencesh');
		await cp(packed.directory, ours, { recursive: true });
		await write(community, {
			...moduleAt('undici', speaking('neighbour', 'undici')),
			...moduleAt('proxy-from-env', speaking('neighbour', 'proxy-from-env')),
			...moduleAt('@n8n/backend-network', speaking('neighbour', 'undici')),
		});
		// n8n lets packages find its own modules by this; the ones beside them come first.
		await mkdir(path.join(root, 'own'));
		await symlink(path.join(MODULES, 'n8n-workflow'), path.join(root, 'own/n8n-workflow'));
		const file = path.join(ours, 'dist/nodes/RunApp/RunApp.node.js');
		const { stdout } = await run(process.execPath, [path.join(root, main), file, url], {
			env: { PATH: process.env['PATH'], NODE_PATH: path.join(root, 'own') },
		});
		const loaded = JSON.parse(stdout) as string[];
		expect(loaded).not.toContain('neighbour');
		expect(loaded).not.toContain('wrong');
		expect(loaded).toContain(used);
		if (used === 'host') expect(keys).toContain('Bearer inf_key');
	});
});
