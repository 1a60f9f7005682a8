// Lint rules for what never ships: tests, sandbox, scripts. The shipped sources are linted by
// n8n's own configuration (../eslint.config.mjs), which must stay exactly as n8n's template has it.
import { createRequire } from 'node:module';

// typescript-eslint comes with n8n's command line tool; one copy of it serves both configurations.
const require = createRequire(createRequire(import.meta.url).resolve('@n8n/node-cli/eslint'));
const js = require('@eslint/js');
const tseslint = require('typescript-eslint');

export default tseslint.config(
	{ ignores: ['**/*.json', '**/*.d.mts'] },
	{
		files: ['**/*.mts'],
		extends: [js.configs.recommended, tseslint.configs.recommendedTypeChecked],
		languageOptions: {
			parserOptions: {
				project: './tsconfig.json',
				tsconfigRootDir: import.meta.dirname,
			},
		},
		rules: {
			'no-console': 'error',
			// TypeScript finds undefined names, and knows more of them.
			'no-undef': 'off',
			'@typescript-eslint/no-explicit-any': 'error',
			'@typescript-eslint/no-floating-promises': 'error',
			'@typescript-eslint/consistent-type-imports': 'error',
			'@typescript-eslint/no-unused-vars': [
				'error',
				{ argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
			],
			// JSON of items and replaced methods are what these tests handle all the time.
			'@typescript-eslint/no-base-to-string': 'off',
			'@typescript-eslint/unbound-method': 'off',
			// Takes `await using` of an AsyncDisposable for a mistake; TypeScript tells the real ones.
			'@typescript-eslint/await-thenable': 'off',
			// Node runs these files by stripping their types, so only syntax that can be stripped. Not
			// `erasableSyntaxOnly`: that would hold the compiled sources which tests import to it too.
			'no-restricted-syntax': [
				'error',
				'TSEnumDeclaration',
				'TSParameterProperty',
				'TSModuleDeclaration[declare!=true]',
				'TSImportEqualsDeclaration',
			],
			// Fakes and fixtures implement asynchronous interfaces without awaiting anything.
			'@typescript-eslint/require-await': 'off',
		},
	},
	{
		// Programs whose output is what they are for.
		// Paths are seen from the repository's root, where the linter is started.
		files: [
			'test/runAll.mts',
			'test/package/scan.mts',
			'test/sandbox/main.mts',
			'test/{bench,chaos,compat,e2e,queue}/**',
		],
		rules: { 'no-console': 'off' },
	},
);
