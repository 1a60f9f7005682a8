/** A stand-in of the inference.sh API for tests, demos and benchmarks. */
export type { AgentCall, AgentDecision, AgentTurn, SandboxAgent } from './agents/agentTypes.mts';
export {
	API_KEY,
	startSandbox,
	type Sandbox,
	type SandboxOptions,
	type SandboxWorkspace,
} from './server.mts';
export { startFileHost, type FileHost } from './files/fileHost.mts';
export { REFUSALS } from './http/refusals.mts';
export { syntheticSha256 } from './files/files.mts';
export type { SessionState } from './tasks/sessions.mts';
export type {
	Fault,
	Job,
	JobUpdate,
	Notice,
	RateLimit,
	RecordedRequest,
	SandboxApp,
	SandboxChatView,
	SandboxFileView,
	SandboxFunction,
	SandboxRunView,
	SandboxSettings,
	SandboxTaskView,
	StreamFaultOptions,
	WebhookDelivery,
} from './types.mts';
