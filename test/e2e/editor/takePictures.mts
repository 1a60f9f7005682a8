/** `npm run picture`: the tests of the editor, which take the README's screenshots on their way. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { nodeForN8n, ROOT } from '../n8n/paths.mts';
import { PICTURES } from './pictures.mts';

const { status } = spawnSync(
	nodeForN8n(),
	[
		path.join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'),
		'run',
		`--config=${path.join(import.meta.dirname, '..', 'vitest.config.mts')}`,
		'test/e2e/editor/editor.test.mts',
		'test/e2e/editor/picker.test.mts',
		'test/e2e/editor/chat.test.mts',
	],
	{ cwd: ROOT, stdio: 'inherit', env: { ...process.env, [PICTURES]: '1' } },
);
process.exitCode = status ?? 1;
