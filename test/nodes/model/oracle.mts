/** What was promised: judges what came of a round. */
import type { Fault } from '../../sandbox/index.mts';
import type { Execution, Workflow } from './plan.mts';
import type { Bought, ItemEnd, Played, Story } from './play.mts';

type Failed = Extract<ItemEnd, { kind: 'failed' }>;

/** Says that it is not known whether anything was started. */
function isUnknown({ code, message }: Pick<Failed, 'code' | 'message'>): boolean {
	return code === 'submission_unknown' || /not known whether/.test(message);
}

/** Whether a fault may leave it open whether a submission was accepted. */
function losesAnswers({ on, ...fault }: Fault): boolean {
	if (!/POST \/(?:apps|agents)\/run/.test(on)) return false;
	return fault.kind === 'status' ? fault.status >= 500 : true;
}

/** Whether an item may be given up before its submission is answered. */
function hasEnd({ stop, workflow: { settings } }: Execution): boolean {
	return stop !== undefined || settings.timeout > 0 || settings.totalTimeout > 0;
}

/** What one process has asked for, and what became of it. */
interface Account {
	readonly host: string;
	readonly played: readonly Played[];
	readonly bought: readonly Bought[];
}

/** Returns what is broken, in words; nothing if all promises were kept. */
export function judge(story: Story): string[] {
	const { played, bought, round } = story;
	const broken: string[] = [];
	const say = (what: string) => void broken.push(what);

	for (const one of story.violations) say(`the service was misused: ${one}`);
	for (const one of played) judgeEnds(one, say);
	const byId = new Map(bought.map((one) => [one.id, one]));
	for (const one of played) judgeResults(one, story, byId, say);

	const lost = round.faults.some(losesAnswers) || played.some(({ execution }) => hasEnd(execution));
	const shared = lost && new Set(played.map(({ host }) => host)).size > 1;
	for (const host of new Set(played.map((one) => one.host))) {
		const account: Account = {
			host,
			played: played.filter((one) => one.host === host),
			bought: bought.filter((one) => one.host === host),
		};
		judgeClaims(account, say);
		if (!shared) judgeMoney(account, byId, say);
	}
	const own = bought.filter(({ host }) => host !== undefined);
	if (shared) judgeMoney({ host: 'all', played, bought: own }, byId, say);
	judgeForeign(story, say);
	return broken;
}

type Say = (what: string) => void;

/** No item is missing, none comes twice. */
function judgeEnds({ run, ends, wishes, execution, summary, said }: Played, say: Say): void {
	const { workflow } = execution;
	const stopsAtFailure = workflow.onError === 'stopWorkflow' && workflow.node !== 'Batch';
	if (run.status === 'canceled') {
		if (!execution.stop) say('was canceled though nobody stopped it');
		return;
	}
	if (run.status === 'error') {
		if (!stopsAtFailure) say(`failed as a whole: ${said}`);
		return;
	}
	if (run.status !== 'success') say(`ended as ${run.status}`);
	const indices = ends.map(({ index }) => index);
	const expected = wishes.map((_, index) => index);
	if (JSON.stringify(indices) !== JSON.stringify(expected)) {
		say(`items ${JSON.stringify(indices)} came out of ${expected.length}`);
	}
	if (summary) {
		const failed = ends.filter(({ kind }) => kind === 'failed').length;
		const counted = [summary['total'], Number(summary['failed']) + Number(summary['not_started'])];
		if (JSON.stringify(counted) !== JSON.stringify([wishes.length, failed])) {
			say(`the summary counts ${JSON.stringify(summary)}, ${failed} have failed`);
		}
	}
}

/** Whether an item names the chat that was created for it, and to which its message never came. */
function isUnusedChat(
	{ id, message }: { readonly id?: string; readonly message: string },
	byId: ReadonlyMap<string, Bought>,
): boolean {
	if (id === undefined || !message.includes('created for it')) return false;
	return [...byId.values()].every(({ chatId }) => chatId !== id);
}

/** Each result belongs to what its item asked for. */
function judgeResults(
	{ ends, wishes, execution, updates }: Played,
	{ answers }: Story,
	byId: ReadonlyMap<string, Bought>,
	say: Say,
): void {
	const { workflow } = execution;
	for (const end of ends) {
		const wish = wishes[end.index];
		if (!wish) continue;
		if (end.kind === 'failed') {
			const about = boughtBy(end.id, wish.key, byId);
			if (end.id !== undefined && !about && !isUnusedChat(end, byId)) {
				say(`item ${end.index} names ${end.id}, which is not its own`);
			}
			continue;
		}
		if (wish.kind === 'message') {
			const { chat_id: chatId, message_id: messageId, text } = end.json;
			const answer = answers.get(String(messageId));
			const message = byId.get(answer?.to ?? '');
			if (message?.key !== wish.key || message.chatId !== chatId) {
				say(`item ${end.index} has an answer that is not its own: ${JSON.stringify(end.json)}`);
			} else if (answer?.text !== text) {
				say(`item ${end.index} says ${JSON.stringify(text)} instead of ${JSON.stringify(answer)}`);
			}
			continue;
		}
		const task = byId.get(String(end.json['id']));
		if (task?.key !== wish.key) {
			say(`item ${end.index} has a result that is not its own: ${JSON.stringify(end.json)}`);
			continue;
		}
		if (workflow.node === 'RunApp' && workflow.wait === 'none') continue;
		const { view } = task;
		if (JSON.stringify(view?.output) !== JSON.stringify(end.json['output'])) {
			say(`item ${end.index} has another output than its task: ${JSON.stringify(end.json)}`);
		}
		if (task.status !== 'completed') say(`item ${end.index}: its task is ${task.status}`);
	}
	for (const { json, pairedItem } of updates) {
		const index = typeof pairedItem === 'object' && 'item' in pairedItem ? pairedItem.item : -1;
		if (byId.get(String(json['id']))?.key !== wishes[index]?.key) {
			say(`an update of item ${index} is not its own: ${JSON.stringify(json)}`);
		}
	}
}

/** The task, or the message in a chat, that an id stands for. */
function boughtBy(
	id: string | undefined,
	key: string,
	byId: ReadonlyMap<string, Bought>,
): Bought | undefined {
	const task = byId.get(id ?? '');
	if (task) return task.key === key ? task : undefined;
	return [...byId.values()].find((one) => one.chatId === id && one.key === key);
}

/** What an item got, as a name that no other item may have. */
function idOf(end: ItemEnd): string | undefined {
	if (end.kind === 'failed') return end.id;
	const { id, message_id: messageId } = end.json;
	return typeof messageId === 'string' ? messageId : typeof id === 'string' ? id : undefined;
}

/** Nothing belongs to two items of one process; no chat to two conversations. */
function judgeClaims({ played }: Account, say: Say): void {
	const owners = new Map<string, string>();
	const chats = new Map<string, string>();
	for (const [nth, { ends, wishes }] of played.entries()) {
		for (const end of ends) {
			const owner = `item ${end.index} of execution ${nth}`;
			const { conversation } = wishes[end.index] ?? {};
			const chatId = end.kind === 'done' ? end.json['chat_id'] : undefined;
			const id = idOf(end);
			if (typeof chatId === 'string') {
				const talk = conversation ?? owner;
				const before = chats.get(chatId) ?? talk;
				if (before !== talk) say(`chat ${chatId} belongs to ${before} and to ${talk}`);
				chats.set(chatId, talk);
			}
			// The chat of a conversation is named by all of its items.
			if (id === undefined || (end.kind === 'failed' && conversation !== undefined)) continue;
			const before = owners.get(id);
			if (before !== undefined) say(`${id} belongs to ${before} and to ${owner}`);
			owners.set(id, owner);
		}
	}
}

function allowsMore({ settings, retryOnFail }: Workflow, { status }: Bought): boolean {
	if (settings.onUnclearSubmit === 'resubmit') return true;
	// What has ended without a result may be followed by another one.
	if (status === 'failed') return settings.retryOn.includes('taskFailed') || retryOnFail;
	return ['cancelled', 'canceled'].includes(status) && retryOnFail;
}

/** All that was bought was asked for, is told of, and does not run on unseen. */
function judgeMoney(
	{ played, bought, host }: Account,
	byId: ReadonlyMap<string, Bought>,
	say: Say,
): void {
	const keys = new Set(bought.map(({ key }) => key));
	for (const key of keys) {
		const alike = bought.filter((one) => one.key === key);
		const wishing = played.filter(({ wishes }) => wishes.some((wish) => wish.key === key));
		const asked = wishing.flatMap(({ wishes }) => wishes).filter((wish) => wish.key === key).length;
		const surplus = alike.filter(
			(one) => !wishing.some(({ execution }) => allowsMore(execution.workflow, one)),
		);
		if (surplus.length > asked) {
			say(`${host}: ${surplus.length} were bought and ${asked} asked for: ${key}`);
		}
		judgeNames(key, alike, wishing, byId, say);
	}
}

/** What is said of tasks (or messages) with one key. */
function judgeNames(
	key: string,
	alike: readonly Bought[],
	wishing: readonly Played[],
	byId: ReadonlyMap<string, Bought>,
	say: Say,
): void {
	/** What two processes ask for at the same time, nobody can tell apart once answers are lost. */
	const undecidable = new Set(wishing.map(({ host }) => host)).size > 1;
	const named = new Set<string>();
	let unknown = 0;
	let silent = false;
	let said = '';
	for (const { ends, wishes, run, said: ofRun } of wishing) {
		said += `\n${ofRun}`;
		for (const end of ends) {
			if (wishes[end.index]?.key !== key) continue;
			if (end.kind === 'failed') said += `\n${end.message}`;
			if (end.kind === 'failed' && end.id === undefined && isUnknown(end)) unknown += 1;
			const found = boughtBy(idOf(end), key, byId);
			if (found) named.add(found.id);
			if (end.kind === 'done' && end.json['chat_id'] !== undefined) {
				const inChat = alike.filter((one) => one.chatId === end.json['chat_id']);
				for (const one of inChat) named.add(one.id);
			}
		}
		// What became of each item is not told.
		if (run.status !== 'success') silent = true;
	}
	const isNamed = (one: Bought) =>
		named.has(one.id) ||
		said.includes(one.id) ||
		(one.chatId !== undefined && said.includes(one.chatId));
	const allowed = (one: Bought) =>
		wishing.some(({ execution }) => allowsMore(execution.workflow, one));
	const unnamed = alike.filter((one) => !isNamed(one) && !allowed(one));
	if (!silent && !undecidable && unnamed.length > unknown) {
		const ids = unnamed.map(({ id, status }) => `${id} (${status})`).join(', ');
		say(`${ids} are told of by nobody, ${unknown} items do not know: ${key}`);
	}
	const unsaid = alike.filter((one) => {
		if (!one.running || wishing.some(({ execution }) => mayLeaveRunning(execution))) return false;
		return !(isNamed(one) && /may still (?:be )?run/.test(said)) && !/not known whether/.test(said);
	});
	// Who has taken another process's task is followed by nobody in its place.
	const taken = alike.filter((one) => wishing.some((by) => by.host !== one.host && tells(by, one)));
	if (unsaid.length > taken.length) {
		const ids = unsaid.map(({ id, chatId, status }) => `${chatId ?? id} (${status})`).join(', ');
		say(`left running, and nobody says so: ${ids}: ${said}`);
	}
}

function mayLeaveRunning({ workflow }: Execution): boolean {
	const { onStop, onTimeout, onUnclearSubmit } = workflow.settings;
	if (workflow.node === 'RunApp' && workflow.wait === 'none') return true;
	return onUnclearSubmit === 'resubmit' || onStop === 'keep' || onTimeout === 'keep';
}

/** Whether an execution has something to say of a task or chat. */
function tells({ ends, said }: Played, { id, chatId }: Bought): boolean {
	const name = chatId ?? id;
	return said.includes(name) || ends.some((end) => JSON.stringify(end).includes(name));
}

/** What somebody else has started before is not touched. */
function judgeForeign({ played, bought, requests }: Story, say: Say): void {
	for (const { id, chatId, host } of bought) {
		if (host !== undefined) continue;
		const name = chatId ?? id;
		for (const { ends } of played) {
			for (const end of ends) {
				const told = end.kind === 'failed' ? end.id : (end.json['chat_id'] ?? end.json['id']);
				if (told === name) say(`item ${end.index} has ${name}, which somebody else has started`);
			}
		}
		const ended = requests.find(
			({ method, path }) => method === 'POST' && /cancel$|stop$/.test(path) && path.includes(name),
		);
		if (ended) say(`${name}, which somebody else has started, was ended: ${ended.path}`);
	}
}
