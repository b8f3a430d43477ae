/** What the methods of the server API answer, for /openapi.json. Answers are written, not built, so tests hold them to this. */
import { z } from 'zod';

const offset = z
  .int()
  .min(0)
  .meta({ description: "The place in the channel's stream. Absent where the channel keeps no history." });
const epoch = z.string().meta({ description: 'The epoch that the offset counts in.' });
const sequence = {
  offset: offset.optional(),
  epoch: epoch
    .optional()
    .meta({ description: 'The epoch that the offset counts in. Absent where `offset` is.' }),
};
const channel = z.string().meta({ description: "The channel's name." });

const error = z
  .strictObject({
    code: z.int().meta({ description: 'What programs look at.' }),
    message: z.string().meta({ description: 'A sentence for people: the field, the limit, the remedy.' }),
  })
  .meta({ description: 'Why it was refused; docs/errors.md lists the codes. There instead of a result.' });

export const failure = z.strictObject({ error });

export const publishResult = z.strictObject(sequence);

export const broadcastResult = z.strictObject({
  results: z
    .array(z.union([z.strictObject({ channel, ...sequence }), z.strictObject({ channel, error })]))
    .meta({ description: 'In the order of `channels`.' }),
});

export const historyResult = z.strictObject({
  publications: z
    .array(
      z.strictObject({
        offset: z.int().meta({ description: "Its place in the channel's stream." }),
        data: z.unknown().meta({ description: 'As it was published.' }),
        binary: z
          .literal(true)
          .optional()
          .meta({ description: '`data` is base64 of bytes that a client sent; absent otherwise.' }),
      }),
    )
    .meta({ description: 'Oldest first, or newest first with `reverse`.' }),
  epoch,
  offset: z.int().meta({ description: 'The newest offset ever given; 0 in an empty channel.' }),
});

export const nothing = z.strictObject({});

export const channelsResult = z.strictObject({
  channels: z
    .array(
      z.strictObject({
        channel,
        sessions: z.int().meta({ description: 'Sessions that are subscribed.' }),
        publications: z.int().meta({ description: 'Publications that history keeps.' }),
      }),
    )
    .meta({ description: 'In the order of their names.' }),
});

const counts = {
  connections: z.int().meta({ description: 'Open now, on any transport.' }),
  sessions: z.int().meta({ description: 'Clients that are connected now.' }),
  users: z.int().meta({ description: 'Users who are connected now.' }),
  channels: z.int().meta({ description: 'Channels with subscribers.' }),
  subscriptions: z.int().meta({ description: 'Of all sessions.' }),
  publications: z.int().meta({ description: 'In channels with subscribers, since the start.' }),
  deliveries: z.int().meta({
    description: 'Publications handed to connections since the start, each counted once a connection.',
  }),
};

const usage = {
  cpuSeconds: z.number().meta({ description: 'Time of processors that the process used since its start.' }),
  memoryBytes: z.int().meta({ description: 'Resident memory of the process.' }),
};

export const infoResult = z.looseObject({
  version: z.string().meta({ description: 'Of the server.' }),
  pid: z.int().meta({ description: 'The process that was started: where several serve, the primary.' }),
  uptime: z.number().meta({ description: 'Seconds since the start.' }),
  workers: z
    .array(
      z.looseObject({
        id: z.int().meta({
          description:
            'A number that no other worker of this server ever had, from 1; 0 is the only process.',
        }),
        pid: z.int().meta({ description: 'The process of the worker.' }),
        ...counts,
        ...usage,
        late: z.literal(true).optional().meta({
          description: 'It did not answer within a second: its figures are older. Absent otherwise.',
        }),
      }),
    )
    .meta({
      description:
        'Each with its own figures; those that retire are listed until their last client has left.',
    }),
  totals: z.looseObject(counts).meta({
    description:
      'Of all workers, those that are gone among them. Users, channels and publications count once, at however many workers they are.',
  }),
  primary: z
    .looseObject({
      pid: z.int().meta({ description: 'Its process.' }),
      ...usage,
      restarts: z.int().meta({ description: 'How often a worker that died was replaced.' }),
    })
    .optional()
    .meta({ description: 'The process that looks after the workers; absent where one process serves.' }),
  config: z
    .looseObject({
      file: z.string().optional().meta({ description: 'Where it came from; absent where there is no file.' }),
      loadedAt: z.string().meta({ description: 'When it was loaded last, in ISO 8601.' }),
      restart: z
        .array(z.string())
        .optional()
        .meta({ description: 'Paths whose new values need a restart; absent where there are none.' }),
      failing: z
        .strictObject({
          time: z.string().meta({ description: 'When, in ISO 8601.' }),
          faults: z.array(z.string()).meta({ description: 'What is wrong, a sentence each.' }),
        })
        .optional()
        .meta({ description: 'Why the last reload was refused; absent where it was not.' }),
    })
    .optional()
    .meta({ description: 'The config in force; absent where it cannot be loaded again.' }),
  hooks: z
    .looseObject({
      generation: z.int().meta({ description: 'Rises with each load.' }),
      loadedAt: z.string().meta({ description: 'When that was, as ISO 8601.' }),
      names: z.array(z.string()).meta({ description: 'The hooks that there are.' }),
    })
    .optional()
    .meta({
      description:
        'Absent where there are none. `failing` says why newer ones could not be loaded, `breakers` which do not answer, `down` that their thread is being replaced.',
    }),
});

export const batchResult = z.strictObject({
  results: z
    .array(
      z.union([
        z.strictObject({ result: z.unknown().meta({ description: "That method's own result." }) }),
        failure,
      ]),
    )
    .meta({ description: 'In the order of `requests`.' }),
});

const noFault = z.null().meta({ description: '`{"c":code,"m":message}` in a refusal.' });

export const meshSendResult = z.strictObject({
  E: noFault,
  r: z
    .strictObject({ success: z.literal(true).meta({ description: 'It reached the session.' }) })
    .meta({ description: 'The result.' }),
});

export const meshResult = z.strictObject({
  E: noFault,
  r: z
    .strictObject({
      s: z.int().meta({ description: 'Subscribers that it reached.' }),
      f: z.int().meta({ description: 'Subscribers that it failed to reach: 0, for they recover.' }),
    })
    .meta({ description: 'The result.' }),
});
