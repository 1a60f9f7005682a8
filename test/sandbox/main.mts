/** `npm run sandbox [-- --port 8787]`: runs the sandbox until it is interrupted. */
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';

import { startSandbox } from './index.mts';

const DEFAULT_PORT = 8787;

/** Whether something listens there already. */
function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const probe = createServer();
		probe.once('error', () => resolve(false));
		probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
	});
}

const { values } = parseArgs({ options: { port: { type: 'string' } } });
const wanted = Number(values.port ?? DEFAULT_PORT);
if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535) {
	console.error(`--port must be a number from 0 to 65535, not "${values.port}"`);
	process.exit(1);
}
const free = await isFree(wanted);
if (!free) console.log(`Port ${wanted} is taken, using another one.`);
// It may run for days: keeping every request would only fill the memory.
const sandbox = await startSandbox({ port: free ? wanted : 0, record: false });

console.log(`inference.sh sandbox
  URL     ${sandbox.url}
  Key     ${sandbox.apiKey}
  Apps    ${sandbox.apps().join('\n          ')}
  Agents  ${sandbox.agents().join('\n          ')}
Stop with Ctrl+C.`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
	process.once(signal, () => void sandbox.close());
}
