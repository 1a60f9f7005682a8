/** Agents that answer by themselves, in every form an answer has. */
import type { SandboxAgent } from './agentTypes.mts';
import { text } from '../util/values.mts';
import { example } from './adHoc.mts';
import { answer, asked, pace, remember, speak } from './speech.mts';

const CONTACT = {
	type: 'object',
	properties: { name: { type: 'string' }, age: { type: 'integer' } },
	required: ['name'],
};

export const talkers: Readonly<Record<string, Omit<SandboxAgent, 'namespace' | 'name'>>> = {
	assistant: {
		title: 'Assistant',
		description: 'Remembers what was said',
		take: (turn) => answer(turn, remember(turn)),
		older: [{ take: (turn) => answer(turn, `Formerly: ${turn.text}`) }],
	},
	researcher: {
		title: 'Researcher',
		description: 'Says something, uses a tool, says something else',
		take(turn) {
			const rounds = asked(turn, 'rounds', 1);
			const look = (round: number): void => {
				if (round > rounds) return answer(turn, `Found: ${turn.text}`);
				speak(turn, 'Let me look. ', () => {
					turn.call({ name: 'look_up', arguments: { query: turn.text } }, 'found it');
					turn.next();
					look(round + 1);
				});
			};
			look(1);
		},
	},
	novelist: {
		title: 'Novelist',
		description: 'Writes as many words as it is asked for, such as "(200 words)"',
		take(turn) {
			const words = asked(turn, 'words', 50);
			answer(turn, Array.from({ length: words }, (_, n) => `wört${n + 1}`).join(' '));
		},
	},
	thinker: {
		title: 'Thinker',
		description: 'Thinks aloud, and its chat has messages that are no answers',
		take(turn) {
			turn.note('injection', 'It is late.');
			turn.think('Hmm. ');
			turn.think('They want an answer.');
			speak(turn, `I thought about "${turn.text}".`, () => {
				turn.next();
				turn.note('compaction', 'They asked, I thought.');
				turn.finish();
			});
		},
	},
	clerk: {
		title: 'Clerk',
		description: 'Must know who asks',
		context: [{ name: 'user', required: true }, { name: 'desk' }],
		take: (turn) => answer(turn, `Next, ${text(turn.context['user'])}.`),
	},
	extractor: {
		title: 'Extractor',
		description: 'Ends with structured output',
		outputSchema: CONTACT,
		take(turn) {
			turn.after(pace(turn), () => turn.finish(example(CONTACT, turn.text)));
		},
	},
	painter: {
		title: 'Painter',
		description: 'Answers with files, and names those that it got',
		take(turn) {
			const names = turn.attachments.map((file) => text(file['filename'], text(file['uri'])));
			turn.show('image', 'https://cloud.inference.sh/app/files/t/x/a.png');
			turn.show('file', 'https://cloud.inference.sh/app/files/t/x/b.pdf');
			answer(turn, `Got ${names.join(', ') || 'nothing'}.`);
		},
	},
	photographer: {
		title: 'Photographer',
		description: 'Answers with files that can be downloaded',
		take(turn) {
			turn.show('image', turn.files.publish(Buffer.from('a photo'), 'image/png', 'png'));
			turn.show('file', turn.files.publish(Buffer.from('a bill'), 'application/pdf', 'pdf'));
			answer(turn, 'Here they are.');
		},
	},
	mirror: {
		title: 'Mirror',
		description: 'Shows the files that it got',
		take(turn) {
			for (const file of turn.attachments) {
				const image = text(file['content_type']).startsWith('image/');
				turn.show(image ? 'image' : 'file', text(file['uri']));
			}
			answer(turn, turn.text);
		},
	},
	slow: { title: 'Slow', description: 'Never ends by itself', take: () => {} },
	silent: {
		title: 'Silent',
		description: 'Ends without a word',
		take: (turn) => turn.after(pace(turn), () => turn.finish()),
	},
};
