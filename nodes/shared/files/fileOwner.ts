import type { IExecuteFunctions } from 'n8n-workflow';
import { isJsonObject } from '../../client/util/json';

/** Executions that have data of earlier ones of their workflow, as those who run them may see. */
const WITH_EARLIER_DATA: readonly string[] = ['manual', 'retry', 'evaluation'];
/** What n8n calls a file: the mode of its storage, and where it is there. */
const PLACE = /^[\w-]+:workflows\/([^/]+)\/executions\/([^/]+)\/binary_data\/[\w-]+$/;
/** In the place of a number that the execution of a webhook does not have yet. */
const NOT_YET = 'temp';

/**
 * Whose a file is that something in an item's JSON names: anybody may have written that, such as the
 * caller of a webhook. What is not told is `unknown`: a database does not, and where sub-workflows take
 * part, their files and those of their caller belong together.
 *
 * @param id n8n's, from a record of the file
 */
export function ownerOf(
	context: IExecuteFunctions,
	itemIndex: number,
	id: string,
): 'execution' | 'other' | 'unknown' {
	const files = Object.values(context.getInputData()[itemIndex]?.binary ?? {});
	if (files.some((file) => file.id === id)) return 'execution';
	if (!id.includes('/')) return 'unknown';
	const [, workflow, execution = ''] = PLACE.exec(id) ?? [];
	if (workflow === undefined) return 'other';
	const mode = context.getMode();
	if (workflow === context.getWorkflow().id) {
		if (WITH_EARLIER_DATA.includes(mode)) return 'execution';
		if ([context.getExecutionId(), NOT_YET].includes(execution)) return 'execution';
	}
	return mode === 'integrated' || hasSubExecutions(context) ? 'unknown' : 'other';
}

/** It is no part of n8n's interface; without it there are none. */
function hasSubExecutions(context: IExecuteFunctions): boolean {
	const data: unknown = Reflect.get(context, 'runExecutionData');
	const result = isJsonObject(data) ? data['resultData'] : undefined;
	const runs = isJsonObject(result) ? result['runData'] : undefined;
	return Object.values(isJsonObject(runs) ? runs : {})
		.flat()
		.some(
			(run) =>
				isJsonObject(run) && isJsonObject(run['metadata']) && 'subExecution' in run['metadata'],
		);
}
