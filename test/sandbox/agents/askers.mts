/** Agents that wait for somebody. */
import type { AgentCall, SandboxAgent } from './agentTypes.mts';
import { answer, speak, verdict } from './speech.mts';

const REFUND: AgentCall = { name: 'refund', arguments: { order: 'A-17', amount: 25 } };
const THERMOMETER: AgentCall = {
	name: 'read_thermometer',
	arguments: { room: 'kitchen' },
	type: 'client',
};
const CHOICE: AgentCall = {
	name: 'choose_seat',
	type: 'internal',
	widget: {
		type: 'ui',
		title: 'Where do you want to sit?',
		actions: [{ type: 'pick', label: 'Pick' }],
	},
};

/** Calls one tool that waits, and says what came of it. */
function asksFor(call: AgentCall): SandboxAgent['take'] {
	return (turn) => {
		turn.ask([call], ([decision]) => {
			turn.next();
			answer(turn, verdict(decision));
		});
	};
}

export const askers: Readonly<Record<string, Omit<SandboxAgent, 'namespace' | 'name'>>> = {
	support: {
		title: 'Support',
		description: 'Refunds need an approval',
		take: (turn) => speak(turn, 'I would refund that. ', () => asksFor(REFUND)(turn)),
	},
	'careful-support': {
		title: 'Careful Support',
		description: 'Two approvals at once',
		take(turn) {
			turn.ask([REFUND, { name: 'close_ticket' }], (decisions) => {
				turn.next();
				answer(turn, decisions.map(verdict).join(' '));
			});
		},
	},
	insatiable: {
		title: 'Insatiable',
		description: 'Asks for one approval after another',
		take(turn) {
			const again = (): void => {
				turn.ask([REFUND], () => {
					turn.next();
					again();
				});
			};
			again();
		},
	},
	'client-tool': {
		title: 'Client Tool',
		description: 'Needs the result of a tool that the client runs',
		take: asksFor(THERMOMETER),
	},
	'client-tool-waiting': {
		title: 'Client Tool Waiting',
		description: 'Its client tool has the status of a widget',
		take: asksFor({ ...THERMOMETER, waitsAs: 'awaiting_input' }),
	},
	usher: {
		title: 'Usher',
		description: 'Shows a widget and waits for the action',
		take: asksFor(CHOICE),
	},
	mail: {
		title: 'Mail',
		description: 'Has no credentials',
		take(turn) {
			turn.wait('auth', { provider: 'google' }, ({ kind }) => {
				if (kind === 'reject') turn.fail('no account was connected');
				else answer(turn, 'Sent.');
			});
		},
	},
	guarded: {
		title: 'Guarded',
		description: 'A hook wants somebody to confirm, without a call of a tool',
		take(turn) {
			turn.wait('hook_gate', { hook: 'before_answer' }, (decision) => {
				answer(turn, verdict(decision));
			});
		},
	},
};
