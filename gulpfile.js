'use strict';

const { spawn } = require('node:child_process');
const { mkdir, rm, writeFile } = require('node:fs/promises');
const path = require('node:path');
const { Transform } = require('node:stream');
const esbuild = require('esbuild');
const { dest, parallel, series, src, watch } = require('gulp');
const { n8n } = require('./package.json');

const OUT = path.join(__dirname, 'dist');
/** The one file with all code, relative to `dist`. */
const CODE = 'nodes/inferencesh.js';

/** What n8n reads beside the compiled code: icons, codex files, sample output schemas. */
const ASSETS = [
	'{nodes,credentials}/**/*.{svg,png}',
	'nodes/**/*.node.json',
	'nodes/**/__schema__/**/*.json',
];

/** What n8n loads: where it looks for it, and the class that it expects there. */
const LOADED = [...n8n.credentials, ...n8n.nodes].map((file) => {
	const inDist = path.posix.relative('dist', file);
	return {
		inDist,
		source: inDist.replace(/\.js$/, '.ts'),
		name: path.basename(file).split('.')[0],
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

/**
 * How the code becomes one file: a third smaller than module by module, faster to load, and one
 * copy of the client for all nodes, which share its limits. p-limit goes into it, because a
 * community node cannot load n8n 1.x's; n8n-workflow and undici are the host's.
 */
const options = (minify) => ({
	stdin: {
		contents: LOADED.map(({ name, source }) => `export { ${name} } from './${source}';`).join('\n'),
		resolveDir: __dirname,
	},
	outfile: path.join(OUT, CODE),
	bundle: true,
	external: ['n8n-workflow', 'undici'],
	banner: { js: '/* Contains p-limit and yocto-queue, MIT License, © Sindre Sorhus */' },
	platform: 'node',
	format: 'cjs',
	target: 'es2022',
	// `import()` would not look where n8n tells `require` to look.
	supported: { 'dynamic-import': false },
	charset: 'utf8',
	minify,
	// Otherwise all of it would be one line.
	lineLimit: 8000,
	logLevel: 'warning',
});

/** The files in which n8n looks for each class. */
async function stubs() {
	for (const { inDist, name } of LOADED) {
		const file = path.join(OUT, inDist);
		const code = path.posix.relative(path.posix.dirname(inDist), CODE);
		const from = code.startsWith('.') ? code : `./${code}`;
		await mkdir(path.dirname(file), { recursive: true });
		await writeFile(file, `exports.${name} = require('${from}').${name};\n`);
	}
}

const clean = () => rm(OUT, { recursive: true, force: true });
const check = () => tsc('--pretty');
const bundle = () => esbuild.build(options(true));
/** JSON without its white space. */
const compact = () =>
	new Transform({
		objectMode: true,
		transform(file, _encoding, done) {
			try {
				const isJson = file.extname === '.json';
				if (isJson) file.contents = Buffer.from(JSON.stringify(JSON.parse(file.contents)));
				done(null, file);
			} catch (error) {
				done(error);
			}
		},
	});
// `encoding: false`: gulp 5 would otherwise decode the files as text and damage a PNG.
const assets = () =>
	src(ASSETS, { base: '.', encoding: false, allowEmpty: true, cwd: __dirname })
		.pipe(compact())
		.pipe(dest(OUT));

const checkOnChange = () => tsc('--watch', '--preserveWatchOutput');
const bundleOnChange = async () => (await esbuild.context(options(false))).watch();
const assetsOnChange = () => watch(ASSETS, { cwd: __dirname }, assets);

exports.clean = clean;
exports.build = series(clean, parallel(check, bundle, stubs, assets));
// The watch modes do the first build too, and stay in memory for the next ones.
exports.watch = series(
	clean,
	stubs,
	assets,
	parallel(checkOnChange, bundleOnChange, assetsOnChange),
);
exports.default = exports.build;
