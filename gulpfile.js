'use strict';

const { spawn } = require('node:child_process');
const { copyFile, mkdir, readFile, readdir, rm, writeFile } = require('node:fs/promises');
const path = require('node:path');
const { stripVTControlCharacters } = require('node:util');
const { parallel, series, watch } = require('gulp');
const { homepage, n8n, name, peerDependencies, version } = require('./package.json');

const OUT = path.join(__dirname, 'dist');
/** The one file with all code, relative to `dist`. */
const CODE = 'nodes/inferencesh.js';
/** The oldest JavaScript that n8n's Node versions all run. */
const TARGET = 'es2022';

const SOURCES = ['credentials', 'nodes'];
/** What n8n reads beside the compiled code: icons, codex files, sample output schemas. */
const ASSET = /\.(svg|png|node\.json)$|[\\/]__schema__[\\/].+\.json$/;

/** What n8n loads: where it looks for it, and the class that it expects there. */
const LOADED = [...n8n.credentials, ...n8n.nodes].map((file) => {
	const inDist = path.posix.relative('dist', file);
	return {
		inDist,
		source: path.join(__dirname, inDist.replace(/\.js$/, '.ts')),
		className: path.basename(file).split('.')[0],
	};
});

/** Runs the project's own TypeScript compiler, which checks; settles with its exit code. */
function tsc(...args) {
	return new Promise((resolve, reject) => {
		spawn(process.execPath, [require.resolve('typescript/bin/tsc'), '--noEmit', ...args], {
			cwd: __dirname,
			stdio: 'inherit',
		})
			.on('error', reject)
			.on('exit', (code) =>
				code === 0 ? resolve() : reject(new Error(`tsc exited with ${code}`)),
			);
	});
}

const ENTRY_ID = '\0entry';
/** The bundle's entry, which is no file: it hands out what n8n loads, and nothing else. */
const entry = {
	name: 'entry',
	resolveId: (id) => (id === 'entry' ? ENTRY_ID : null),
	load: (id) =>
		id === ENTRY_ID
			? LOADED.map(
					({ className, source }) => `export { ${className} } from ${JSON.stringify(source)};`,
				).join('\n')
			: null,
};

const HEADING = /^(\/\/ (?:credentials|nodes|node_modules)\/.*)$/m;
/** Blanks that separate nothing: at the beginning of a line, and around what is no word. */
const NEEDLESS = /^[ \t]+|(?<=[=(){}[\],;:?<>*&|]) +| +(?=[=(){}[\],;:?<>*&|])/gm;

/** Where the texts and regular expressions of some code are: `[start, end]` of each, in order. */
function literalsIn(node) {
	if (typeof node !== 'object' || node === null) return [];
	if (node.type === 'Literal' || node.type === 'TemplateElement') return [[node.start, node.end]];
	return Object.values(node).flatMap(literalsIn);
}

/** Shorter ways to write the same, without needless blanks: docs/decisions/0009-written-shorter.md. */
const compact = {
	name: 'compact',
	async renderChunk(code) {
		const { minifySync, parseSync } = await import('rolldown/experimental');
		const written = (text, compress, removeWhitespace) => {
			const options = { module: false, compress, mangle: false, codegen: { removeWhitespace } };
			const result = minifySync(CODE, text, options);
			if (result.errors.length > 0) throw new Error(result.errors[0].message);
			return result.code;
		};
		// Nothing is unused: what a module does not need itself, another one does.
		const shorter = { target: TARGET, sequences: false, unused: false };
		const [start, ...modules] = code.split(HEADING);
		const short = modules.map((text, at) =>
			at % 2 === 0 ? text : `\n${written(text, shorter, false)}`,
		);
		const spaced = [start, ...short].join('');
		const literals = literalsIn(parseSync(CODE, spaced).program).sort(([a], [b]) => a - b);
		let result = '';
		let end = 0;
		for (const [from, to] of [...literals, [spaced.length, spaced.length]]) {
			result += spaced.slice(end, from).replace(NEEDLESS, '') + spaced.slice(from, to);
			end = to;
		}
		if (written(spaced, false, true) !== written(result, false, true)) {
			throw new Error('Without its needless blanks the code is not the same');
		}
		return `${result}\n${await footer()}\n`;
	},
};

const BANNER = `/*
 * ${name} ${version}: all modules in one file, each under the name of its source.
 * The sources, with their comments: ${homepage}/tree/v${version}
 * Contains p-limit and yocto-queue; their licence is at the end.
 */`;

/** The licence of what is bundled; it has the same words in both packages. */
async function footer() {
	const text = await readFile(path.join(__dirname, 'node_modules/p-limit/license'), 'utf8');
	return `/*\np-limit and yocto-queue\n\n${text.trim()}\n*/`;
}

/**
 * How the code becomes one file: one copy of the client for all nodes, which share its limits, and
 * faster to load than module by module. It stays readable, for stack traces, bug reports and
 * audits: a heading for each module, a line for each statement, and nothing renamed but for a suffix
 * (`same$1`) where two modules have the same name. p-limit goes into it, because a community node
 * cannot load n8n 1.x's; everything else from outside is the host's.
 */
const bundling = () => ({
	input: 'entry',
	cwd: __dirname,
	platform: 'node',
	plugins: [entry, compact],
	external: [...Object.keys(peerDependencies), 'undici'],
	// Headings say `node_modules/…` wherever that folder really is.
	resolve: { symlinks: false },
	transform: { target: TARGET },
	// It leaves out little here, and rewrites what it keeps.
	treeshake: false,
	output: {
		file: path.join(OUT, CODE),
		format: 'cjs',
		exports: 'named',
		// `import()` would not look where n8n tells `require` to look.
		dynamicImportInCjs: false,
		minify: false,
		comments: false,
		banner: BANNER,
	},
});

/** The files in which n8n looks for each class. */
async function stubs() {
	for (const { inDist, className } of LOADED) {
		const file = path.join(OUT, inDist);
		const code = path.posix.relative(path.posix.dirname(inDist), CODE);
		const from = code.startsWith('.') ? code : `./${code}`;
		await mkdir(path.dirname(file), { recursive: true });
		await writeFile(file, `exports.${className} = require('${from}').${className};\n`);
	}
}

const clean = () => rm(OUT, { recursive: true, force: true });
const check = () => tsc('--pretty');
async function bundle() {
	const { build } = await import('rolldown');
	await build(bundling());
}
async function assets() {
	for (const folder of SOURCES) {
		const files = await readdir(path.join(__dirname, folder), { recursive: true });
		for (const file of files.filter((name) => ASSET.test(name))) {
			const target = path.join(OUT, folder, file);
			await mkdir(path.dirname(target), { recursive: true });
			const source = path.join(__dirname, folder, file);
			if (!file.endsWith('.json')) await copyFile(source, target);
			else await writeFile(target, JSON.stringify(JSON.parse(await readFile(source, 'utf8'))));
		}
	}
}

/** Editors empty a file before they write it. */
const WRITING_MS = 50;
const checkOnChange = () => tsc('--watch', '--preserveWatchOutput');
/** Bundles now and on every change. What cannot be bundled is told, and the next change is tried. */
async function bundleOnChange() {
	const rolldown = await import('rolldown');
	const watcher = rolldown.watch({ ...bundling(), watch: { buildDelay: WRITING_MS } });
	watcher.on('event', async (event) => {
		if (event.code === 'ERROR') {
			const { message } = event.error;
			console.error(process.stderr.isTTY ? message : stripVTControlCharacters(message));
		}
		if ('result' in event) await event.result?.close();
	});
}
const assetsOnChange = () =>
	watch(
		SOURCES.map((folder) => `${folder}/**/*.{svg,png,json}`),
		{ cwd: __dirname },
		assets,
	);

const write = series(clean, parallel(stubs, assets));

exports.clean = clean;
exports.build = parallel(check, series(write, bundle));
/** Builds now and on every change, without a look at the types. */
exports.bundle = series(write, parallel(bundleOnChange, assetsOnChange));
exports.watch = parallel(checkOnChange, exports.bundle);
exports.default = exports.build;
