/** How a request of the server API names a user. */
import { limits, utf8Length } from '@carillon/protocol';
import { z } from 'zod';

/** Backends whose users are numbers write them as such. */
export const user = z
  .union([z.string(), z.number()], { error: 'must be a string or a whole number' })
  .transform((value, context) => {
    const fault = userFault(value);
    if (fault === undefined) return String(value);
    context.addIssue({ code: 'custom', message: fault });
    return z.NEVER;
  })
  .meta({
    description: `A user. A whole number counts as its decimal text. At most ${limits.nameBytes} bytes of UTF-8.`,
  });

function userFault(value: string | number): string | undefined {
  if (typeof value === 'number') {
    return Number.isSafeInteger(value)
      ? undefined
      : 'must be a string, since it is no whole number below 2^53';
  }
  if (value === '') return 'must not be empty';
  if (value.length > limits.nameBytes || utf8Length(value) > limits.nameBytes)
    return `must not be longer than ${limits.nameBytes} bytes of UTF-8`;
  return value.isWellFormed() ? undefined : 'must be well-formed Unicode';
}
