/** `npm run test:model -- [rounds] [seed]` plays more rounds than `npm test`, and others each time. */
import { spawn } from 'node:child_process';

const [rounds = '1000', seed = String(Math.floor(Math.random() * 2 ** 31))] = process.argv.slice(2);

spawn('vitest', ['run', 'test/nodes/model'], {
	stdio: 'inherit',
	env: { ...process.env, MODEL_ROUNDS: rounds, MODEL_SEED: seed },
}).on('exit', (code) => {
	process.exitCode = code ?? 1;
});
