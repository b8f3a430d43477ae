/** What the methods of the server API answer, for /openapi.json. Answers are written, not built, so tests hold them to this. */
import { z } from 'zod';

const offset = z
  .int()
  .min(0)
  .meta({ description: "The place in the channel's stream. Absent where the channel keeps no history." });
const epoch = z.string().meta({ description: 'The epoch that the offset counts in.' });
const sequence = { offset: offset.optional(), epoch: epoch.optional() };

const error = z
  .strictObject({ code: z.int(), message: z.string() })
  .meta({ description: 'Why a request was refused. Codes are listed in PROTOCOL.md.' });

export const failure = z.strictObject({ error });

export const publishResult = z.strictObject(sequence);

export const broadcastResult = z.strictObject({
  results: z.array(
    z.union([
      z.strictObject({ channel: z.string(), ...sequence }),
      z.strictObject({ channel: z.string(), error }),
    ]),
  ),
});

export const historyResult = z.strictObject({
  publications: z.array(
    z.strictObject({
      offset: z.int(),
      data: z.unknown().meta({ description: 'As it was published.' }),
      binary: z
        .literal(true)
        .optional()
        .meta({ description: '`data` is base64 of bytes that a client sent.' }),
    }),
  ),
  epoch,
  offset: z.int().meta({ description: 'The newest offset ever given; 0 in an empty channel.' }),
});

export const nothing = z.strictObject({});

export const channelsResult = z.strictObject({
  channels: z.array(
    z.strictObject({
      channel: z.string(),
      sessions: z.int().meta({ description: 'Sessions that are subscribed.' }),
      publications: z.int().meta({ description: 'Publications that history keeps.' }),
    }),
  ),
});

export const infoResult = z.looseObject({
  version: z.string(),
  pid: z.int(),
  uptime: z.number().meta({ description: 'Seconds since the start.' }),
  workers: z.array(z.looseObject({ id: z.int(), pid: z.int() })),
});

export const batchResult = z.strictObject({
  results: z.array(z.union([z.strictObject({ result: z.unknown() }), failure])),
});

export const meshSendResult = z.strictObject({
  E: z.null(),
  r: z.strictObject({ success: z.literal(true) }),
});

export const meshResult = z.strictObject({
  E: z.null(),
  r: z.strictObject({
    s: z.int().meta({ description: 'Subscribers that it reached.' }),
    f: z.int().meta({ description: 'Subscribers that it failed to reach.' }),
  }),
});
