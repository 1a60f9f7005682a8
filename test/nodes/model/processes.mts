/** Processes of n8n: each has its own copy of the nodes, and so of all that they keep in memory. */
import type { INodeType } from 'n8n-workflow';
import { vi } from 'vitest';
import type * as AgentMessageModule from '../../../nodes/AgentMessage/AgentMessage.node.ts';
import type * as BatchModule from '../../../nodes/Batch/Batch.node.ts';
import type * as SettingsModule from '../../../nodes/client/settings.ts';
import type { Timings } from '../../../nodes/client/settings.ts';
import type * as UndiciTransportModule from '../../../nodes/client/transport/undiciTransport.ts';
import type * as RunAppModule from '../../../nodes/RunApp/RunApp.node.ts';
import type * as StreamTaskModule from '../../../nodes/StreamTask/StreamTask.node.ts';
import type { Execution, Workflow } from './plan.mts';

/** A quarter of what they are in earnest, in about the same proportions. */
export const TIMINGS: Timings = {
	headersMs: 1_500,
	submitMs: 2_000,
	streamSilenceMs: 2_000,
	silentCheckMs: 400,
	heldCheckMs: 200,
	missedBeatMs: 1_000,
	quietCheckMs: 2_000,
	streamFailures: 4,
	pollCapMs: 600,
	cancelMs: 1_250,
	lateLookMs: 250,
	lookAgainMs: 500,
	contactMs: 8_000,
	doubtMs: 3_000,
	stillMs: 1_000,
	refusedMs: 3_000,
	refusals: 5,
	unseenMs: 300,
};

export type Process = Readonly<Record<Workflow['node'], INodeType>>;

async function startProcess(transport: Execution['transport']): Promise<Process> {
	vi.resetModules();
	vi.doMock('../../../nodes/client/settings.ts', async (original) => ({
		...(await original<typeof SettingsModule>()),
		DEFAULT_TIMINGS: TIMINGS,
	}));
	vi.doMock('../../../nodes/client/transport/undiciTransport.ts', async (original) => {
		const module = await original<typeof UndiciTransportModule>();
		return {
			...module,
			loadHostNetwork: () => (transport === 'undici' ? module.loadHostNetwork() : undefined),
		};
	});
	const load = async <T,>(path: string) => (await import(path)) as T;
	const nodes = '../../../nodes';
	const { RunApp } = await load<typeof RunAppModule>(`${nodes}/RunApp/RunApp.node.ts`);
	const { Batch } = await load<typeof BatchModule>(`${nodes}/Batch/Batch.node.ts`);
	const { StreamTask } = await load<typeof StreamTaskModule>(
		`${nodes}/StreamTask/StreamTask.node.ts`,
	);
	const { AgentMessage } = await load<typeof AgentMessageModule>(
		`${nodes}/AgentMessage/AgentMessage.node.ts`,
	);
	return {
		RunApp: new RunApp(),
		Batch: new Batch(),
		StreamTask: new StreamTask(),
		AgentMessage: new AgentMessage(),
	};
}

/** Two processes with undici and two with n8n's HTTP helper. */
export class Processes {
	private readonly started: Record<Execution['transport'], readonly Process[]>;

	private constructor(started: Record<Execution['transport'], readonly Process[]>) {
		this.started = started;
	}

	static async start(): Promise<Processes> {
		const two = async (transport: Execution['transport']) => [
			await startProcess(transport),
			await startProcess(transport),
		];
		return new Processes({ undici: await two('undici'), helper: await two('helper') });
	}

	of({ transport, process }: Execution): Process {
		const found = this.started[transport][process];
		if (!found) throw new Error(`There is no process ${process}`);
		return found;
	}
}
