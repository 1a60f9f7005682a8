/** What `npm run dev` and the first installation of the demo stand on. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nextBuild } from '../e2e/demo/builtPackage.mts';
import { HotReload } from '../e2e/demo/hotReload.mts';
import { ShownProgress } from '../e2e/n8n/progress.mts';

describe('the next build', () => {
	let root: string;
	const never = new AbortController().signal;
	const write = async (file: string, text: string): Promise<void> => {
		await mkdir(path.dirname(path.join(root, file)), { recursive: true });
		await writeFile(path.join(root, file), text);
	};

	beforeEach(async () => {
		root = await mkdtemp(path.join(tmpdir(), 'built-'));
		const n8n = { nodes: ['dist/nodes/A/A.node.js'], credentials: [] };
		await write('package.json', JSON.stringify({ n8n }));
	});
	afterEach(() => rm(root, { recursive: true, force: true }));

	it('is complete', async () => {
		await write('dist/nodes/A/A.node.js', '1');
		let seen = false;
		const build = nextBuild(root, undefined, never).finally(() => (seen = true));
		await delay(1000);
		expect(seen).toBe(false);
		await write('dist/nodes/inferencesh.js', '1');
		await build;
	});

	it('is another one: the same code built again is not', async () => {
		await write('dist/nodes/A/A.node.js', '1');
		await write('dist/nodes/inferencesh.js', '1');
		const first = await nextBuild(root, undefined, never);
		let seen = false;
		const next = nextBuild(root, first, never).finally(() => (seen = true));
		await cp(path.join(root, 'dist'), path.join(root, 'saved'), { recursive: true });
		await rm(path.join(root, 'dist'), { recursive: true });
		await delay(500);
		await cp(path.join(root, 'saved'), path.join(root, 'dist'), { recursive: true });
		await delay(1000);
		expect(seen).toBe(false);
		await write('dist/nodes/inferencesh.js', '2');
		expect(await next).not.toBe(first);
	});

	it('is not waited for after an interruption', async () => {
		const stop = new AbortController();
		const build = nextBuild(root, undefined, stop.signal);
		stop.abort();
		await expect(build).rejects.toMatchObject({ name: 'AbortError' });
	});
});

describe("n8n's hot reload", () => {
	const never = new AbortController().signal;
	const log = (reload: HotReload, word: string): boolean =>
		reload.hears(`Hot reload ${word} for n8n-nodes-inferencesh`);

	beforeEach(() => void vi.useFakeTimers());
	afterEach(() => void vi.useRealTimers());

	it('has happened when n8n says so and then nothing worse', async () => {
		const reload = new HotReload();
		const done = reload.after(async () => void log(reload, 'triggered'), never);
		await vi.runAllTimersAsync();
		expect(await done).toBe(true);
	});

	it.each([
		['n8n says nothing', []],
		['n8n says that it failed', ['triggered', 'failed']],
	])('has not happened when %s', async (_case, words) => {
		const reload = new HotReload();
		const done = reload.after(async () => {
			for (const word of words) log(reload, word);
		}, never);
		await vi.runAllTimersAsync();
		expect(await done).toBe(false);
	});

	it('fails when the files cannot be written', async () => {
		const reload = new HotReload();
		const done = reload.after(() => Promise.reject(new Error('disk full')), never);
		await expect(done).rejects.toThrow('disk full');
	});

	it('leaves other lines to others', () => {
		expect(new HotReload().hears('Hot reload triggered for n8n-nodes-base')).toBe(false);
	});
});

describe('the progress of an installation', () => {
	beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
	afterEach(() => void vi.useRealTimers());

	/** An installation that tells of itself every second. */
	function install(progress: ShownProgress): void {
		progress.note('takes a while');
		for (let count = 0; count < 70; count += 1) {
			progress.doing('unpacking', `${count} of 70`);
			vi.advanceTimersByTime(1000);
		}
		progress.doing('compiling');
		vi.advanceTimersByTime(5000);
		progress[Symbol.dispose]();
	}

	it('is a line when a part begins and ends, and one every half minute', () => {
		const lines: string[] = [];
		install(new ShownProgress((line) => void lines.push(line)));
		expect(lines).toEqual([
			'takes a while',
			'unpacking …',
			'unpacking: 30 of 70 (30 s)',
			'unpacking: 60 of 70 (1 min 0 s)',
			'unpacking: done in 1 min 10 s',
			'compiling …',
			'compiling: done in 5.0 s',
		]);
	});

	it('is one line that changes, in a terminal', () => {
		const lines: string[] = [];
		const shown: string[] = [];
		install(
			new ShownProgress(
				(line) => void lines.push(line),
				(line) => void shown.push(line),
			),
		);
		expect(lines).toEqual([
			'takes a while',
			'unpacking: done in 1 min 10 s',
			'compiling: done in 5.0 s',
		]);
		expect(shown.slice(0, 2)).toEqual(['unpacking: 0 of 70 (0.0 s)', 'unpacking: 1 of 70 (1.0 s)']);
		expect(shown).toHaveLength(71);
	});
});
