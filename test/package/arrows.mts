/**
 * The rooms of the code: a room, and all that its files may import.
 * Every room may use itself, `client/errors` and `client/settings`. The page docs/architecture.md shows this table.
 */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
	nodes: ['shared/*', 'client/*'],

	'shared/items': [
		'shared/callback',
		'shared/files',
		'shared/run',
		'shared/parameters',
		'shared/output',
		'client/*',
	],
	'shared/callback': [
		'shared/files',
		'shared/run',
		'shared/parameters',
		'shared/output',
		'client/*',
	],
	'shared/editor': ['shared/run', 'shared/parameters', 'client/*'],
	'shared/files': ['shared/run', 'shared/parameters', 'client/*'],
	'shared/run': ['shared/parameters', 'shared/output', 'client/*'],
	'shared/parameters': ['client/*'],
	'shared/output': ['client/*'],

	'client/client': ['client/*'],
	'client/flows': ['client/once', 'client/follow', 'client/apps', 'client/api', 'client/util'],
	'client/workspace': ['client/api', 'client/util'],
	'client/tasks': ['client/once', 'client/follow', 'client/apps', 'client/api', 'client/util'],
	'client/agents': ['client/once', 'client/follow', 'client/apps', 'client/api', 'client/util'],
	'client/once': ['client/api', 'client/util'],
	'client/follow': ['client/api', 'client/transport', 'client/util'],
	'client/apps': ['client/api', 'client/util'],
	'client/files': ['client/api', 'client/transport', 'client/util'],
	'client/api': ['client/transport', 'client/util'],
	'client/transport': ['client/util'],
	'client/util': [],
	'client/errors': [],
	'client/settings': [],
};
