import type { InferenceClient } from '../../client/client';
import { TimeoutError } from '../../client/errors';
import type { CancelSignal } from '../../client/util/cancelSignal';
import { Deadline } from '../../client/util/deadline';
import { outcomeOf } from '../../client/util/outcome';
import { formOf } from '../parameters/appForm';
import type { KnownForm, KnownForms } from '../parameters/formValues';
import type { RunHints } from './hints';
import { messageOf } from '../../client/util/errorMessage';

/** The items wait for the schema, and can go on without it. */
const SCHEMA_TIMEOUT_MS = 10_000;

/** The forms of a node run: what the service says of its apps, asked for once, when needed. */
export class AppForms implements KnownForms {
	private readonly forms = new Map<string, Promise<KnownForm>>();

	constructor(
		private readonly client: InferenceClient,
		private readonly signal: CancelSignal,
		private readonly hints: RunHints,
		private readonly timeoutMs = SCHEMA_TIMEOUT_MS,
	) {}

	/**
	 * The form of a function; if the app cannot be read, a hint says so.
	 *
	 * @param ref `namespace/name[@version]`
	 * @throws the reason of the run's end
	 */
	async form(ref: string, name: string | undefined): Promise<KnownForm> {
		const key = JSON.stringify([ref, name]);
		const known = this.forms.get(key) ?? this.ask(ref, name);
		this.forms.set(key, known);
		return await known;
	}

	private async ask(ref: string, name: string | undefined): Promise<KnownForm> {
		using deadline = new Deadline(this.signal, this.timeoutMs, () => {
			return new TimeoutError(`no answer within ${this.timeoutMs / 1000} s`);
		});
		const app = await outcomeOf(this.client.apps.get(ref, deadline.signal));
		if (app.ok) return formOf(app.value, name);
		this.signal.throwIfAborted();
		const reason = messageOf(app.error);
		this.hints.say(
			`The schema of ${ref} could not be read, so the values of the form were not checked: ${reason}`,
		);
		return { kind: 'unreadable' };
	}
}
