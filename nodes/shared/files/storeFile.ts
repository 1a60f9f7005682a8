import type { BinaryHelperFunctions, IBinaryData } from 'n8n-workflow';
import type { IncomingFile } from '../../client/files/download';
import type { OutputFile } from '../../client/files/findFiles';

/** Content types that say nothing; the file's name says more. */
const SAYS_NOTHING = /^(application|binary)\/(octet-stream|unknown)$/i;

/**
 * Streams a file of an output into where n8n keeps binary data. What the output says of its name and
 * type goes before what the server says.
 *
 * @param fallback its name if nobody says one
 */
export async function storeFile(
	helpers: Pick<BinaryHelperFunctions, 'prepareBinaryData'>,
	file: OutputFile,
	incoming: IncomingFile,
	fallback: string,
): Promise<IBinaryData> {
	const name = baseName(file.filename ?? '') || baseName(incoming.filename ?? '') || fallback;
	const hasExtension = /\.\w+$/.test(name);
	const said = [file.contentType, incoming.contentType].find(
		(type) => type !== undefined && type !== '' && !SAYS_NOTHING.test(type),
	);
	const type = said ?? (hasExtension ? undefined : 'application/octet-stream');
	const stored = await helpers.prepareBinaryData(incoming.stream, name, type);
	const { fileExtension } = stored;
	return hasExtension || !fileExtension
		? stored
		: { ...stored, fileName: `${name}.${fileExtension}` };
}

/** Characters that no file system likes, and those that show a name in another order than it has. */
const UNFIT = /[\p{Cc}<>:"|?*\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF\uFFFD]/gu;
/** Names that Windows keeps for devices, whatever their ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;
/** More of a name is not looked at, at either end. */
const MOST_READ = 1_000;
/** What file systems allow, less what others put in front, bytes. */
const LONGEST_NAME = 200;

/** A file's name without folders and what no file system likes, cut to what they allow. */
function baseName(name: string): string {
	const last = name.replace(/^.*[/\\]/s, '');
	const read =
		last.length > 2 * MOST_READ ? last.slice(0, MOST_READ) + last.slice(-MOST_READ) : last;
	const base = read
		.replace(UNFIT, '_')
		// Windows drops dots and blanks at the end.
		.replace(/[.\s]+$/, '')
		.trim()
		.replace(DEVICE, '_$&');
	// What cannot be seen is no name.
	if (/^[.\s\p{C}]*$/u.test(base)) return '';
	const extension = /\.\w{1,15}$/.exec(base)?.[0] ?? '';
	let stem = base.slice(0, base.length - extension.length).slice(0, LONGEST_NAME);
	while (Buffer.byteLength(stem + extension) > LONGEST_NAME) stem = stem.slice(0, -1);
	return (stem + extension).replace(/\p{Cs}/gu, '');
}
