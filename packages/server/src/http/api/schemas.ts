/** The shapes of the server API: what validates a request is also what describes it in /openapi.json. */
import { channelNameFault, limits, nearest, utf8Length } from '@carillon/protocol';
import { z } from 'zod';
import { user } from './user.ts';

/** An object that knows all its fields: others are refused by name, with the name that was probably meant. */
export function strict<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const names = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return 'must be an object';
      return issue.keys.map((key) => unknownField(key, names)).join('\n');
    },
  });
}

function unknownField(key: string, names: readonly string[]): string {
  const meant = nearest(key, names);
  if (meant !== undefined) return `is not a known field; did you mean '${meant}'?`;
  return names.length === 0
    ? 'is not a known field; there are none here'
    : `is not a known field; known are ${names.map((name) => `'${name}'`).join(', ')}`;
}

/** Text of 1 to `maxBytes` bytes. */
export function text(maxBytes: number, description: string) {
  return z
    .string({ error: 'must be a string' })
    .superRefine((value, context) => {
      const fault = textFault(value, maxBytes);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    })
    .meta({
      description: `${description} At most ${maxBytes} bytes of UTF-8.`,
      minLength: 1,
      maxLength: maxBytes,
    });
}

function textFault(value: string, maxBytes: number): string | undefined {
  if (value === '') return 'must not be empty';
  if (value.length > maxBytes || utf8Length(value) > maxBytes)
    return `must not be longer than ${maxBytes} bytes of UTF-8`;
  return value.isWellFormed() ? undefined : 'must be well-formed Unicode';
}

/** A list of `min` to `max` elements. */
export function list<Element extends z.ZodType>(element: Element, min: number, max: number) {
  return z
    .array(element, { error: 'must be an array' })
    .min(min, { error: `must have at least ${min} element${min === 1 ? '' : 's'}` })
    .max(max, { error: `must not have more than ${max} elements` });
}

export function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export const channel = z
  .string({ error: 'must be a string' })
  .superRefine((name, context) => {
    const fault = channelNameFault(name);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  })
  .meta({
    description: `A channel's name: 1-${limits.channelNameBytes} bytes of UTF-8, no spaces, no control characters, no leading '$' or '@'.`,
    minLength: 1,
    maxLength: limits.channelNameBytes,
  });

/** Any JSON value. Only its presence is checked: it is published as it was written. */
export const data = z.unknown().meta({
  description: 'Any JSON value. It is published as it was written, without the white space outside strings.',
});

const sessions = list(text(limits.nameBytes, 'The id of a session.'), 1, limits.exclusions);

export const exclude = strict({
  sessions: sessions
    .optional()
    .meta({ description: 'Ids of the sessions that do not get this publication.' }),
  users: list(user, 1, limits.exclusions)
    .optional()
    .meta({ description: 'Users who do not get this publication.' }),
})
  .superRefine(({ sessions = [], users = [] }, context) => {
    if (sessions.length + users.length <= limits.exclusions) return;
    context.addIssue({
      code: 'custom',
      message: `must not name more than ${limits.exclusions} sessions and users together`,
    });
  })
  .meta({ description: 'Who is left out, live and in every later replay.' });

const tagValue = z.union([z.string(), z.number(), z.boolean()], {
  error: 'must be a string, a number or a boolean',
});

export const tags = z
  .record(text(limits.nameBytes, "A tag's name."), tagValue, {
    error: (issue) =>
      issue.code === 'invalid_key'
        ? `is no tag name; use 1 to ${limits.nameBytes} bytes of UTF-8`
        : 'must be an object',
  })
  .meta({
    description:
      'Marks on the publication: `{"city":"sh","vip":true}`. They are checked, and nothing reads them yet.',
  });

const idempotencyKey = text(
  limits.idempotencyKeyBytes,
  `A second publish with the same key into the same channel within ${limits.idempotencyTtlMs / 60_000} minutes does nothing and gets the first answer.`,
);

const position = strict({
  epoch: text(limits.nameBytes, 'The epoch of the stream that the offset belongs to.'),
  offset: wholeNumber(0, Number.MAX_SAFE_INTEGER).meta({ description: 'A place in that stream.' }),
}).meta({ description: "A place in a channel's stream, as an earlier answer gave it." });

export const publishParams = strict({
  channel,
  data,
  tags: tags.optional(),
  exclude: exclude.optional(),
  idempotency_key: idempotencyKey.optional(),
});

export const broadcastParams = strict({
  channels: list(channel, 1, limits.broadcastChannels).meta({
    description: 'Names of channels. One that stands here twice gets the data twice.',
  }),
  data,
  tags: tags.optional(),
  exclude: exclude.optional(),
  idempotency_key: idempotencyKey.optional(),
});

export const historyParams = strict({
  channel,
  since: position
    .optional()
    .meta({ description: 'Only what comes after this position (before it, when reversed).' }),
  limit: wholeNumber(1, limits.historyPage)
    .optional()
    .meta({ description: 'Publications at most.', default: limits.historyPage }),
  reverse: z
    .boolean({ error: 'must be true or false' })
    .optional()
    .meta({ description: 'Newest first; `since` then means what comes before it.', default: false }),
});

export const channelParams = strict({ channel });

export const channelsParams = strict({
  pattern: text(
    limits.channelNameBytes,
    "Only channels whose name matches; '*' stands for one or more characters.",
  )
    .refine((pattern) => pattern.split(/\*|\{/).length <= limits.patternWildcards + 1, {
      error: `must not have more than ${limits.patternWildcards} wildcards`,
    })
    .optional(),
});

export const noParams = strict({});

export const batchParams = strict({
  requests: list(
    strict({
      method: z.string({ error: 'must be a string' }).meta({ description: 'The name of another method.' }),
      params: z.unknown().optional().meta({ description: "That method's own parameters." }),
    }),
    1,
    limits.batchRequests,
  ).meta({ description: 'What to run, in this order.' }),
});

const meshMessage = {
  d: z
    .string({ error: 'must be a string' })
    .meta({ description: 'What to publish. JSON text is published as that JSON, other text as a string.' }),
  t: z
    .enum(['text', 'binary'], { error: "must be 'text' or 'binary'" })
    .optional()
    .meta({ description: '`binary`: `d` is base64, and its bytes are published.', default: 'text' }),
};

export const meshPublishParams = strict({ c: channel, ...meshMessage }).superRefine(checkMeshMessage);

export const meshSendParams = strict({
  c: text(limits.nameBytes, 'The id of a session.'),
  ...meshMessage,
}).superRefine(checkMeshMessage);

function checkMeshMessage(
  { d, t }: { readonly d: string; readonly t?: string | undefined },
  context: z.RefinementCtx,
): void {
  if (!d.isWellFormed())
    context.addIssue({ code: 'custom', path: ['d'], message: 'must be well-formed Unicode' });
  else if (t === 'binary' && !base64.test(d)) {
    context.addIssue({
      code: 'custom',
      path: ['d'],
      message: "must be base64 with padding when 't' is 'binary'",
    });
  }
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export type PublishParams = z.infer<typeof publishParams>;
export type BatchParams = z.infer<typeof batchParams>;
export type MeshMessage = Pick<z.infer<typeof meshPublishParams>, 'd' | 't'>;
