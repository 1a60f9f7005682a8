import { describe, expect, it } from 'vitest';
import { appName, parseAppRef } from '../../../nodes/client/apps/appRef.ts';

describe('parseAppRef', () => {
	it.each<[text: string, app: string, entry: string | undefined]>([
		['infsh/text-templating', 'infsh/text-templating', undefined],
		['infsh/text-templating@53bk0yzk', 'infsh/text-templating@53bk0yzk', undefined],
		['infsh/voice-loop:stream', 'infsh/voice-loop', 'stream'],
		['my-org/app@latest', 'my-org/app@latest', undefined],
		['my-org/app@ver_abc123', 'my-org/app@ver_abc123', undefined],
		['ns/name@53bk0yzk:fn', 'ns/name@53bk0yzk', 'fn'],
		['app/ns/name@53bk0yzk:fn', 'app/ns/name@53bk0yzk', 'fn'],
		['agent/ns/name', 'agent/ns/name', undefined],
		['app/name', 'app/name', undefined],
		['echo', 'echo', undefined],
		['echo:run', 'echo', 'run'],
		['  ns/name \n', 'ns/name', undefined],
		['NS/Name_1.5', 'NS/Name_1.5', undefined],
	])('takes "%s" apart', (text, app, entry) => {
		expect(parseAppRef(text)).toEqual({ app, function: entry });
	});

	it.each([
		'',
		' ',
		'/',
		'ns/',
		'/name',
		'ns//name',
		'ns/name@',
		'ns/name:',
		'ns/name@:fn',
		'ns/name:fn@v',
		'ns/name@a@b',
		'ns/name:a:b',
		'ns/na me',
		'a/b/c',
		'team/ns/name@1',
		'app/a/b/c',
		'app//name',
		'a/b/c/d',
		'https://app.inference.sh/apps/ns/name',
		'ns/name\nother',
	])('does not take "%s" for a reference', (text) => {
		expect(parseAppRef(text)).toBeUndefined();
	});
});

describe('appName', () => {
	it.each([
		['ns/name', 'ns/name'],
		['ns/name@53bk0yzk', 'ns/name'],
		['ns/name:fn', 'ns/name'],
		['ns/name@53bk0yzk:fn', 'ns/name'],
		['app/ns/name@latest', 'ns/name'],
		['name@1', 'name'],
	])('of "%s" is "%s"', (ref, name) => {
		expect(appName(ref)).toBe(name);
	});
});
