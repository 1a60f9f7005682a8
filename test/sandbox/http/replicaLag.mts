/** What was created a moment ago, as seen by a copy of the database that lags behind. */
import type { SandboxSettings } from '../types.mts';

export class ReplicaLag {
	private readonly settings: Pick<SandboxSettings, 'replicaLag'>;
	/** Requests for each thing that nobody will have heard of it yet. */
	private left = new Map<string, number>();

	constructor(settings: Pick<SandboxSettings, 'replicaLag'>) {
		this.settings = settings;
	}

	created(id: string): void {
		if (this.settings.replicaLag > 0) this.left.set(id, this.settings.replicaLag);
	}

	/** Whether a request for something comes too early; counts it. */
	hides(id: string): boolean {
		const left = this.left.get(id) ?? 0;
		if (left <= 0) return false;
		this.left.set(id, left - 1);
		return true;
	}

	/** Everything is known everywhere now. */
	catchUp(): void {
		this.left.clear();
	}
}
