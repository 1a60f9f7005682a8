'use strict';

const { spawn } = require('node:child_process');
const { readdir, readFile, rm, writeFile } = require('node:fs/promises');
const path = require('node:path');
const { dest, parallel, series, src, watch } = require('gulp');

const OUT = path.join(__dirname, 'dist');

/** What n8n reads beside the compiled code: icons, codex files, sample output schemas. */
const ASSETS = [
	'{nodes,credentials}/**/*.{svg,png}',
	'nodes/**/*.node.json',
	'nodes/**/__schema__/**/*.json',
];

/** Runs the project's own TypeScript compiler and settles with its exit code. */
function tsc(...args) {
	return new Promise((resolve, reject) => {
		spawn(process.execPath, [require.resolve('typescript/bin/tsc'), ...args], {
			cwd: __dirname,
			stdio: 'inherit',
		})
			.on('error', reject)
			.on('exit', (code) =>
				code === 0 ? resolve() : reject(new Error(`tsc exited with ${code}`)),
			);
	});
}

const clean = () => rm(OUT, { recursive: true, force: true });
const compile = () => tsc('--pretty');

/** Indents the compiled code with tabs: the compiler's four spaces are a tenth of the package. */
async function indent() {
	const names = await readdir(OUT, { recursive: true });
	await Promise.all(
		names
			.filter((name) => name.endsWith('.js'))
			.map(async (name) => {
				const file = path.join(OUT, name);
				const code = await readFile(file, 'utf8');
				await writeFile(
					file,
					code.replace(/^(?: {4})+/gm, (spaces) => '\t'.repeat(spaces.length / 4)),
				);
			}),
	);
}
// `encoding: false`: gulp 5 would otherwise decode the files as text and damage a PNG.
const assets = () =>
	src(ASSETS, { base: '.', encoding: false, allowEmpty: true, cwd: __dirname }).pipe(dest(OUT));

const compileOnChange = () => tsc('--watch', '--preserveWatchOutput');
const assetsOnChange = () => watch(ASSETS, { cwd: __dirname }, assets);

exports.clean = clean;
exports.build = series(clean, parallel(series(compile, indent), assets));
// The compiler's watch mode does the first build too, and stays in memory for the next ones.
exports.watch = series(clean, assets, parallel(compileOnChange, assetsOnChange));
exports.default = exports.build;
