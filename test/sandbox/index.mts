/** A stand-in of the inference.sh API for tests, demos and benchmarks. */
export { API_KEY, startSandbox, type Sandbox, type SandboxOptions } from './server.mts';
export type { SessionState } from './sessions.mts';
export type {
	Fault,
	Job,
	Notice,
	RateLimit,
	RecordedRequest,
	SandboxApp,
	SandboxFunction,
	SandboxSettings,
	SandboxTaskView,
	StreamFaultOptions,
	WebhookDelivery,
} from './types.mts';
