import { compareJson, together, type Comparison } from '../once/comparison';
import type { Fingerprint } from '../once/fingerprint';
import { textOf, throughJson, type JsonObject } from '../util/json';

/** What to run, in the words of `POST /flowruns` (API notes 7.2). */
export interface FlowRequest {
	/** Id of the flow. */
	readonly flow: string;
	readonly input: JsonObject;
}

/** What identifies a run of a flow: the flow and its input, which is all that is sent. */
export class FlowFingerprint implements Fingerprint {
	readonly kind = 'flow run';
	readonly echo: JsonObject;

	constructor(readonly request: FlowRequest) {
		this.echo = { flow_id: request.flow, ...throughJson({ input: request.input }) };
	}

	/** Compares with a run as the service shows it; unclear is what it does not show. */
	compare(shown: JsonObject): Comparison {
		const flow = textOf(shown['flow_id']) ?? textOf(shown['flow']);
		const input = shown['input'] ?? undefined;
		return together([
			flow === undefined ? 'unclear' : flow === this.request.flow ? 'equal' : 'different',
			input === undefined ? 'unclear' : compareJson(this.echo['input'], input),
		]);
	}
}
