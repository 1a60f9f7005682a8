import { MB } from '../../client/files/download';
import type { ItemParameters } from './itemParameters';
import { versionOf } from './nodeOf';
import type { Parameter } from './parameter';

/** Megabytes that a file may have unless the item says something else. */
export const DEFAULT_MAX_MB = 500;

/** In what form an item wants its task. */
export interface OutputForm {
	/** One of those that `output/items` knows. */
	readonly form: 'task' | 'taskOfVersion1' | 'fullTask' | 'result' | 'text';
	/** How to download the files of the output; undefined if they stay where they are. */
	readonly download: { readonly maxBytes: number | undefined } | undefined;
}

/**
 * Reads in what form an item wants its task.
 *
 * @throws NodeOperationError that names the parameter, the item and the bad value
 */
export function readOutputForm(item: ItemParameters): OutputForm {
	const { options } = item;
	const isFull = options.isOn('fullTask');
	if (versionOf(item.context) < 2) {
		return {
			form: isFull ? 'fullTask' : 'taskOfVersion1',
			download: readDownload((name) => options.get(name)),
		};
	}
	const form = item.get('output', 'task').oneOf(['task', 'result', 'text']);
	return {
		form: form === 'task' && isFull ? 'fullTask' : form,
		download: readDownload((name) => item.get(name)),
	};
}

/** @param get finds the parameters, wherever they are */
function readDownload(get: (name: string) => Parameter): OutputForm['download'] {
	if (!get('downloadFiles').isOn()) return undefined;
	const limit = get('maxFileSize');
	const size = limit.isBlank ? DEFAULT_MAX_MB : limit.number({ min: 0, max: 1e6 });
	return { maxBytes: size === 0 ? undefined : size * MB };
}
