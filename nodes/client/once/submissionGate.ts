import type { Account } from '../api/account';

/** What a submission asks for; equal keys mean tasks that cannot be told apart. */
export interface SubmissionContent {
	/** Made only when it is needed: it is costly, and hardly any submission gets lost. */
	readonly key: string;
}

/**
 * Equal submissions may run side by side, but not while one of them is being looked for: its task
 * could not be told from theirs. Whoever looks goes first.
 */
export class SubmissionGate {
	private readonly underWay = new Set<SubmissionContent>();
	/** Key → ends when that lookup is over. */
	private readonly lookups = new Map<string, Promise<void>>();
	/** Called whenever a submission is over. */
	private readonly onEnd = new Set<() => void>();

	/** Whether nothing is under way. */
	get idle(): boolean {
		return this.underWay.size + this.lookups.size + this.onEnd.size === 0;
	}

	/** Waits until no equal submission is being looked for, then counts as under way until `end`. */
	begin(content: SubmissionContent): Promise<void> | undefined {
		if (this.lookups.size > 0) return this.beginLater(content);
		this.underWay.add(content);
		return undefined;
	}

	/** Ends what `begin` began. */
	end(content: SubmissionContent): void {
		this.underWay.delete(content);
		for (const tell of this.onEnd) tell();
	}

	/** Looks for a lost submission while no equal one is under way. */
	async lookingUp<T>({ key }: SubmissionContent, job: () => Promise<T>): Promise<T> {
		while (this.lookups.has(key)) await this.lookups.get(key);
		let over = () => {};
		this.lookups.set(
			key,
			new Promise((resolve) => {
				over = resolve;
			}),
		);
		try {
			while ([...this.underWay].some((content) => content.key === key)) await this.nextEnd();
			return await job();
		} finally {
			this.lookups.delete(key);
			over();
		}
	}

	private async beginLater(content: SubmissionContent): Promise<void> {
		// Checked again after each wait, with no further wait before the next step.
		while (this.lookups.has(content.key)) await this.lookups.get(content.key);
		this.underWay.add(content);
	}

	private async nextEnd(): Promise<void> {
		await new Promise<void>((resolve) => {
			const tell = () => {
				this.onEnd.delete(tell);
				resolve();
			};
			this.onEnd.add(tell);
		});
	}
}

const gates = new WeakMap<Account, SubmissionGate>();

/** The gate that everybody in this process shares who submits with an account. */
export function gateOf(account: Account): SubmissionGate {
	const gate = gates.get(account) ?? new SubmissionGate();
	gates.set(account, gate);
	return gate;
}
