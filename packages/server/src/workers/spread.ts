/** What asking several workers comes to. */
import { errorCodes } from '@carillon/protocol';
import { ReplyError } from '../core/errors.ts';

export function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

/** What the worker that has a session answers, or `none` where no worker has it. */
export async function ifThere<Result>(asked: Promise<Result>, none: Result): Promise<Result> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ReplyError && error.code === errorCodes.notAvailable.code && error.status === 404)
      return none;
    throw error;
  }
}
