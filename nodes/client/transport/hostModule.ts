/**
 * From where n8n has loaded this package. Modules are looked for from there: beside this package are
 * other people's, and the key goes through what is found.
 */
function folderOfHost(): string | undefined {
	// What runs as an ES module has none.
	if (typeof module === 'undefined' || module.path === undefined) return undefined;
	const ours = module.path.replace(/nodes$/, '');
	let loader: NodeJS.Module | null | undefined = module;
	while (loader?.path.startsWith(ours)) loader = loader.parent;
	return loader?.path;
}

function find(name: string, from: string): string | undefined {
	try {
		return require.resolve(name, { paths: [from] });
	} catch {
		return undefined;
	}
}

/**
 * A module of n8n's own: the one that its network package uses, if it has such a package.
 *
 * @returns undefined if it has none
 */
export function hostModule(name: string): unknown {
	const folder = folderOfHost();
	if (folder === undefined) return undefined;
	const network = find('@n8n/backend-network', folder);
	const file = (network && find(name, network)) ?? find(name, folder);
	return file && module.require(file);
}
