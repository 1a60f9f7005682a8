/** The agents of the sandbox's workspace: one for each thing that can happen in a turn. */
import type { SandboxAgent } from './agentTypes.mts';
import { askers } from './askers.mts';
import { talkers } from './talkers.mts';
import { troubled } from './troubled.mts';

export const sandboxAgents: readonly SandboxAgent[] = Object.entries({
	...talkers,
	...askers,
	...troubled,
}).map(([name, agent]) => ({ namespace: 'sandbox', name, ...agent }));
