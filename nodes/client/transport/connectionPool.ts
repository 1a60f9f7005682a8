import { CancelSource } from '../util/cancelSignal';
import type { Release } from '../util/keyedQueue';
import { outcomeOf } from '../util/outcome';
import type { Connector, Route, Undici } from './connect';
import { asTransportError, isOutOfHandles } from './transport';
import { answersFor, type UndiciAnswer } from './undiciAnswer';

/** A connection that has been idle this long is closed, before a load balancer does it. */
const KEEP_ALIVE_MS = 4_000;

/** Connections to any number of hosts. */
export class ConnectionPool {
	/** By route, the one that was used last at the end. */
	private readonly idle = new Map<string, PooledConnection[]>();

	/** What the requests of its connections are answered by. */
	readonly Answer: typeof UndiciAnswer;

	constructor(
		readonly undici: Undici,
		readonly connector: Connector,
	) {
		this.Answer = answersFor(undici);
	}

	/**
	 * A connection for one request, to be given back or dropped. It connects as the request is sent.
	 *
	 * @param place is given back with it
	 */
	take(route: Route, place: Release): PooledConnection {
		const connection = this.idle.get(route.key)?.pop() ?? new PooledConnection(this, route);
		connection.isIdle = false;
		connection.place = place;
		return connection;
	}

	/** Keeps a connection for the next request. */
	keep(connection: PooledConnection): void {
		connection.isIdle = true;
		const others = this.idle.get(connection.key);
		if (others) others.push(connection);
		else this.idle.set(connection.key, [connection]);
	}

	/** Closes what nobody uses. */
	closeIdle(): void {
		for (const idle of [...this.idle.values()].flat()) {
			idle.drop(new Error('its handle was needed for something else'));
		}
	}

	/** A connection that was idle has been closed. */
	forget(connection: PooledConnection): void {
		const others = this.idle.get(connection.key)?.filter((other) => other !== connection) ?? [];
		if (others.length > 0) this.idle.set(connection.key, others);
		else this.idle.delete(connection.key);
	}
}

/** A connection to one host, for one request at a time. */
export class PooledConnection {
	readonly client: InstanceType<Undici['Client']>;
	readonly key: string;
	isIdle = false;
	/** Gives back the place that its request has taken. */
	place: Release = () => {};
	private readonly life = new CancelSource();

	constructor(
		private readonly pool: ConnectionPool,
		route: Route,
	) {
		this.key = route.key;
		const { undici, connector } = pool;
		this.client = new undici.Client(route.origin, {
			keepAliveTimeout: KEEP_ALIVE_MS,
			keepAliveMaxTimeout: KEEP_ALIVE_MS,
			connect: (_options, done) => {
				void connector.connect(route, this.life).then(
					(socket) => done(null, socket),
					// By some errors of its own undici would connect again.
					(error: unknown) => {
						if (isOutOfHandles(error)) pool.closeIdle();
						done(asTransportError(error, false), null);
					},
				);
			},
		});
		this.client.on('disconnect', () => {
			if (this.isIdle) pool.forget(this);
		});
	}

	/** Its request is over, and it may have another one. */
	giveBack(): void {
		if (!this.client.destroyed) this.pool.keep(this);
		this.place();
	}

	/** Closes it, whatever it is doing: nothing of it is left, and what was not sent never is. */
	drop(reason: Error): void {
		this.life.abort(reason);
		if (!this.client.destroyed) void outcomeOf(this.client.destroy(reason));
		this.place();
	}
}
