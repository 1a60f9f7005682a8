/** A service with nothing but lists of tasks and chats, which answers as oddly as a test wants. */
import { createServer, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IDataObject } from 'n8n-workflow';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { clock } from '../../engine/support.mts';
import { ruleTime } from '../../ruleTime.mts';

type Row = IDataObject & { id: string };

interface Asked {
	readonly method: string;
	readonly path: string;
	readonly body: IDataObject;
}

/** What is answered instead of what is right: a status, or data. */
type Odd =
	| { readonly status: number; readonly headers?: OutgoingHttpHeaders }
	| { readonly data: unknown }
	| undefined;

interface Filter {
	readonly field: string;
	readonly operator: string;
	readonly value: unknown;
}

export class OddService {
	readonly apiKey = 'inf_odd_key';
	url = '';
	/** Rows by the path of their list. */
	readonly rows = { tasks: [] as Row[], chats: [] as Row[] };
	readonly asked: Asked[] = [];
	/** How a list shows a row. */
	shown: (row: Row) => unknown = (row) => row;
	odd: (asked: Asked) => Odd = () => undefined;

	private made = { tasks: 0, chats: 0 };
	private readonly server = createServer((request, response) => {
		const pieces: Buffer[] = [];
		request.on('data', (piece: Buffer) => pieces.push(piece));
		request.on('end', () => {
			const text = Buffer.concat(pieces).toString();
			const body = JSON.parse(text === '' ? '{}' : text) as IDataObject;
			this.answer({ method: request.method ?? '', path: request.url ?? '', body }, response);
		});
	});

	async start(): Promise<void> {
		await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
		this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
	}

	reset(): void {
		this.rows.tasks.length = 0;
		this.rows.chats.length = 0;
		this.made = { tasks: 0, chats: 0 };
		this.asked.length = 0;
		this.shown = (row) => row;
		this.odd = () => undefined;
	}

	close(): void {
		this.server.closeAllConnections();
		this.server.close();
	}

	/** A task of now that runs. */
	task(fields: IDataObject = {}): Row {
		return this.add('tasks', { status: 7, app: { namespace: 'acme', name: 'paint' }, ...fields });
	}

	/** A task of now that has completed. */
	done(): Row {
		return this.task({ status: 10, output: { text: 'painted' } });
	}

	/** A chat of now whose agent waits for an approval. */
	chat(fields: IDataObject = {}): Row {
		const agent = { namespace: 'acme', name: 'support' };
		const chat = this.add('chats', { status: 'awaiting_input', agent, ...fields });
		const meta = { tool_invocation_id: `call-of-${chat.id}`, tool_name: 'refund' };
		const waits = { id: `interrupt-of-${chat.id}`, reason: 'tool_approval', status: 'pending' };
		return Object.assign(chat, { pending_interrupts: [{ ...waits, meta }] });
	}

	/** How often something has been asked since the last time. */
	takeCount(): number {
		return this.asked.splice(0).length;
	}

	private add(kind: 'tasks' | 'chats', fields: IDataObject): Row {
		const now = new Date(clock.now()).toISOString();
		const id = `${kind}${this.made[kind]++}`;
		const row = { id, created_at: now, updated_at: now, ...fields };
		this.rows[kind].push(row);
		return row;
	}

	private answer(asked: Asked, response: ServerResponse): void {
		this.asked.push(asked);
		response.setHeader('date', new Date(clock.now()).toUTCString());
		response.setHeader('content-type', 'application/json');
		const odd = this.odd(asked);
		if (odd && 'status' in odd) return void response.writeHead(odd.status, odd.headers).end('{}');
		const data = odd ? odd.data : this.data(asked);
		if (data === undefined) return void response.writeHead(404).end('{}');
		response.end(JSON.stringify({ data, messages: [] }));
	}

	private data({ path, body }: Asked): unknown {
		const [, kind = '', id = '', part] = /^\/(\w+)\/([\w-]+)(?:\/(\w+))?/.exec(path) ?? [];
		if (kind !== 'tasks' && kind !== 'chats') return { id: 'agent-1' };
		if (part === 'messages') return { items: [], has_next: false };
		if (id !== 'list') return this.rows[kind].find((row) => row.id === id);
		const filters = (body['filters'] ?? []) as unknown as Filter[];
		const rows = this.rows[kind].filter((row) => filters.every((filter) => fits(row, filter)));
		const [sort] = (body['sort'] ?? []) as Array<{ dir: string }>;
		if (sort?.dir === 'desc') rows.reverse();
		const from = Number(body['cursor'] ?? 0);
		const to = from + Number(body['limit']);
		const hasNext = to < rows.length;
		const next = hasNext ? String(to) : '';
		return { items: rows.slice(from, to).map(this.shown), next_cursor: next, has_next: hasNext };
	}
}

function fits(row: Row, { field, operator, value }: Filter): boolean {
	if (field === 'created_at') return String(row['created_at']) >= String(value);
	if (field === 'id' && operator === 'in') return (value as string[]).includes(row.id);
	if (field === 'status' && row['app']) return row['status'] !== 10;
	return true;
}

/** Starts such a service for the tests of a file, with the clock for the time. */
export function useOddService(): OddService {
	const service = new OddService();
	beforeAll(async () => await service.start());
	beforeEach(() => {
		ruleTime(clock);
		service.reset();
	});
	afterAll(() => service.close());
	return service;
}
