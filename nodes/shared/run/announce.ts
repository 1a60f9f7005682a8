import type { IExecuteFunctions } from 'n8n-workflow';

/** Ids in one line, at most. */
export const MOST_IN_A_LINE = 100;

type LogContext = Pick<IExecuteFunctions, 'getExecutionId' | 'getNode' | 'logger'>;

/** Writes a line about a run into n8n's log. */
export function log(context: LogContext, line: string): void {
	const where = `execution ${context.getExecutionId()}, "${context.getNode().name}"`;
	context.logger.info(`inference.sh: ${where}: ${line}`);
}

/** Says it also in the console of the browser, to whoever has started the execution in the editor. */
export function announce(context: IExecuteFunctions, line: string): void {
	log(context, line);
	const { sendMessageToUI }: Partial<IExecuteFunctions> = context;
	sendMessageToUI?.call(context, line);
}
