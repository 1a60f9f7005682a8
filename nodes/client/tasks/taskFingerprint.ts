import { appName } from '../apps/appRef';
import { compareJson, together, type Comparison } from '../once/comparison';
import type { Fingerprint } from '../once/fingerprint';
import { isJsonObject, textOf, throughJson, type JsonObject } from '../util/json';
import type { RunRequest } from './runRequest';

/** What identifies a task: its app, version, function, input, setup, and how it was to run. */
export class TaskFingerprint implements Fingerprint {
	readonly kind = 'task';
	/** Made when it is needed: hardly any submission gets lost. */
	private sentJson: JsonObject | undefined;
	private made: JsonObject | undefined;

	/** @param request what is sent */
	constructor(readonly request: RunRequest) {}

	private get sent(): JsonObject {
		const { input, setup, workers } = this.request;
		this.sentJson ??= throughJson({ input, setup, workers });
		return this.sentJson;
	}

	/**
	 * Compares with a task as the service shows it (API notes 3.3).
	 *
	 * | part | equal if | unclear if |
	 * | --- | --- | --- |
	 * | app | same namespace and name; a bare name: same name, app of the task's own team | not shown |
	 * | version | the same id, short or long; without one: the app's current version, or none shown | another spelling, not shown |
	 * | function | the same; without one: the version's default | not shown |
	 * | input, setup | the same JSON | see `compareJson`; a setup that was not sent |
	 * | session | the same id | `new`: a task does not show that it began its session |
	 * | infra, workers, webhook, run_at | the same; not sent and not shown | only one of both |
	 */
	compare(shown: JsonObject): Comparison {
		// A task that a flow, an agent or a chat has started was not started here.
		if (STARTED_OTHERWISE.some((key) => textOf(shown[key]) !== undefined)) return 'different';
		return together(this.parts(shown));
	}

	/** One after another: most tasks that are looked at differ in one of the first. */
	private *parts(shown: JsonObject): Generator<Comparison> {
		const { request } = this;
		yield compareApp(request.app, shown);
		yield compareGiven(this.sent['input'], shown['input']);
		yield compareFunction(request.function, shown);
		yield compareVersion(versionOf(request.app), shown);
		yield compareOptional(this.sent['setup'], shown['setup']);
		yield compareSession(request.session, textOf(shown['session_id']));
		yield compareInfra(request.infra, textOf(shown['infra']));
		yield compareOptional(this.sent['workers'], shown['workers']);
		yield compareWebhook(request.webhook, textOf(shown['webhook']));
		yield compareTime(request.runAt, textOf(shown['run_at']));
	}

	get echo(): JsonObject {
		this.made ??= this.makeEcho();
		return this.made;
	}

	private makeEcho(): JsonObject {
		const { app, function: entry, session, infra, webhook, runAt } = this.request;
		const { input, setup, workers } = this.sent;
		const version = versionOf(app);
		return {
			app: version === undefined ? appName(app) : `${appName(app)}@${version}`,
			function: entry,
			input,
			setup,
			session_id: session,
			infra,
			workers,
			webhook,
			run_at: runAt,
		};
	}
}

const STARTED_OTHERWISE = ['chat_id', 'flow_run_id', 'agent_id'];

/** The version in a reference; `latest` means none (API notes 2.2). */
function versionOf(ref: string): string | undefined {
	const version = /@([^:]+)/.exec(ref)?.[1];
	return version === 'latest' ? undefined : version;
}

function compareApp(ref: string, shown: JsonObject): Comparison {
	const { app } = shown;
	const object = isJsonObject(app) ? app : {};
	const namespace = textOf(object['namespace']);
	const name = textOf(object['name']) ?? textOf(app);
	if (name === undefined) return 'unclear';
	const asked = appName(ref);
	const known = appName(namespace === undefined ? name : `${namespace}/${name}`);
	if (asked === known) return 'equal';
	if (asked.split('/').at(-1) !== known.split('/').at(-1)) return 'different';
	if (asked.includes('/') && known.includes('/')) return 'different';
	// A bare name is one of the workspace's own apps.
	const team = textOf(object['team_id']);
	return team !== undefined && team === shown['team_id'] ? 'equal' : 'unclear';
}

/** What was sent and may not be shown. */
function compareGiven(sent: unknown, shown: unknown): Comparison {
	return shown === undefined || shown === null ? 'unclear' : compareJson(sent, shown);
}

/** What may not have been sent. */
function compareOptional(sent: unknown, shown: unknown): Comparison {
	if (!isGiven(sent)) return isGiven(shown) ? 'unclear' : 'equal';
	return compareGiven(sent, shown);
}

function isGiven(value: unknown): boolean {
	if (value === undefined || value === null || value === '') return false;
	return Array.isArray(value)
		? value.length > 0
		: !isJsonObject(value) || Object.keys(value).length > 0;
}

/** The usual default function (API notes 2.1). */
const DEFAULT_FUNCTION = 'run';

function compareFunction(asked: string | undefined, shown: JsonObject): Comparison {
	const known = textOf(shown['function']);
	if (known === undefined) return asked === undefined ? 'equal' : 'unclear';
	if (asked !== undefined) return asked === known ? 'equal' : 'different';
	const version = shown['app_version'];
	const usual = isJsonObject(version) ? textOf(version['default_function']) : undefined;
	if (usual === undefined) return known === DEFAULT_FUNCTION ? 'equal' : 'unclear';
	return known === usual ? 'equal' : 'different';
}

/** Length of a short id (API notes 2.2, 3.3), which is the beginning of the long one. */
const SHORT_ID = 8;
const ID = /^[0-9a-z]{8,}$/;

function compareVersion(asked: string | undefined, shown: JsonObject): Comparison {
	const version = isJsonObject(shown['app_version']) ? shown['app_version'] : {};
	const app = isJsonObject(shown['app']) ? shown['app'] : {};
	const id = textOf(shown['app_version_id']) ?? textOf(version['id']);
	const short = textOf(version['short_id']) ?? versionOf(textOf(shown['app']) ?? '');
	if (asked === undefined) {
		if (id === undefined && short === undefined) return 'equal';
		const current = textOf(app['version_id']);
		return current !== undefined && current === id ? 'equal' : 'unclear';
	}
	const names = [id, short].filter((name) => name !== undefined);
	if (names.includes(asked)) return 'equal';
	if (asked.length === SHORT_ID && id?.startsWith(asked)) return 'equal';
	return names.some((name) => isAlike(asked, name)) ? 'different' : 'unclear';
}

/** Whether two names of versions are of the same kind, so that they can be compared. */
function isAlike(asked: string, name: string): boolean {
	if (ID.test(asked) && ID.test(name)) {
		return asked.length === name.length || asked.length === SHORT_ID;
	}
	return kindOfName(asked) === kindOfName(name);
}

/** `v1` and `v12` are of one kind, `v1` and `ver_1` are not. */
function kindOfName(name: string): string {
	return name.replace(/\d+/g, '0').replace(/[a-z]+/gi, (word) => word.slice(0, 1));
}

function compareSession(asked: string | undefined, known: string | undefined): Comparison {
	if (asked === undefined) return known === undefined ? 'equal' : 'unclear';
	if (asked === 'new' || known === undefined) return 'unclear';
	return asked === known ? 'equal' : 'different';
}

function compareInfra(asked: string | undefined, known: string | undefined): Comparison {
	if (asked === known) return 'equal';
	if (asked === undefined) return known === 'cloud' ? 'equal' : 'unclear';
	// The service may show what it has decided on.
	return known === undefined || asked === 'private_first' ? 'unclear' : 'different';
}

function compareWebhook(asked: string | undefined, known: string | undefined): Comparison {
	if (asked === undefined) return known === undefined ? 'equal' : 'different';
	return known === undefined ? 'unclear' : compareJson(asked, known);
}

/** Go writes times that are not set as the year 1. */
const NO_TIME = /^0001-/;

function compareTime(asked: string | undefined, known: string | undefined): Comparison {
	const shown = known === undefined || NO_TIME.test(known) ? undefined : known;
	if (asked === undefined || shown === undefined) return asked === shown ? 'equal' : 'unclear';
	const apart = Math.abs(Date.parse(asked) - Date.parse(shown));
	if (apart === 0) return 'equal';
	return apart < 1_000 || Number.isNaN(apart) ? 'unclear' : 'different';
}
