/** Agents that come to a bad end. */
import type { SandboxAgent } from './agentTypes.mts';
import { pace, speak } from './speech.mts';

export const troubled: Readonly<Record<string, Omit<SandboxAgent, 'namespace' | 'name'>>> = {
	failing: {
		title: 'Failing',
		description: 'Its run fails',
		take: (turn) => turn.after(pace(turn), () => turn.fail('the model is overloaded')),
	},
	stumbling: {
		title: 'Stumbling',
		description: 'Its message fails',
		take: (turn) => turn.after(pace(turn), () => turn.fail('the context is too long', 'message')),
	},
	strict: {
		title: 'Strict',
		description: 'Rejects every message',
		take: (turn) => turn.after(pace(turn), () => turn.fail('not my business', 'rejected')),
	},
	quitter: {
		title: 'Quitter',
		description: 'Is canceled in the middle of a sentence',
		take: (turn) => speak(turn, 'On second thought', () => turn.fail('', 'canceled')),
	},
	crashing: {
		title: 'Crashing',
		description: 'Its code throws',
		take() {
			throw new Error('a bug in the agent');
		},
	},
	locked: {
		title: 'Locked',
		description: 'Lacks a secret',
		refuse: {
			status: 412,
			contentType: 'application/json',
			body: {
				satisfied: false,
				errors: [
					{
						type: 'secret',
						key: 'AGENT_API_KEY',
						message: 'secret AGENT_API_KEY is not set',
						action: { type: 'add_secret' },
					},
				],
			},
		},
		take: () => {},
	},
};
