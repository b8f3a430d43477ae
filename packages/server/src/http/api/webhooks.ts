/** The methods of the server API that show how webhooks are doing, and deliver again what they could not be told. */
import { limits } from '@carillon/protocol';
import { z } from 'zod';
import { type ApiMethod, defineMethod } from './method.ts';
import { list, strict, text, wholeNumber } from './schemas.ts';

const deadLetter = z.strictObject({
  id: z.string().meta({ description: 'The `webhook-id` of its request.' }),
  time: z.string().meta({ description: 'When it was given up, ISO 8601 in UTC.' }),
  reason: z.string().meta({ description: 'Half a sentence, such as `status 410`.' }),
  status: z.int().optional().meta({ description: 'Of the last answer, where there was one.' }),
  attempts: z.int().meta({ description: 'How often it was tried.' }),
  count: z.int().meta({ description: 'How many events it holds.' }),
  events: z
    .array(z.unknown())
    .optional()
    .meta({ description: 'The events; absent where the answer would become too long.' }),
});

const state = z.strictObject({
  webhook: z.int().meta({ description: 'Its place in this list.' }),
  url: z.string().meta({ description: 'Without the query.' }),
  events: z.array(z.string()).optional().meta({ description: 'What it is told; absent: everything.' }),
  signed: z.boolean().meta({ description: 'Whether it has a secret.' }),
  leaving: z
    .literal(true)
    .optional()
    .meta({ description: 'The config has it no more; it is told the rest.' }),
  pending: z.int().meta({ description: 'Events that wait or are under way.' }),
  delivered: z.int().meta({ description: 'Events that arrived.' }),
  failures: z.int().meta({ description: 'Attempts that did not succeed.' }),
  dead: z.int().meta({ description: 'Events that became dead letters.' }),
  kept: z.int().meta({ description: 'Events that are kept as dead letters now.' }),
  forgotten: z.int().meta({ description: 'Events that were lost, because dead letters became too many.' }),
  failing: z
    .strictObject({
      attempts: z.int().meta({ description: 'How often it was tried so far.' }),
      reason: z.string().meta({ description: 'Half a sentence, such as `ECONNREFUSED`.' }),
      time: z.string().meta({ description: 'Of the last attempt, ISO 8601 in UTC.' }),
      next: z.string().meta({ description: 'Of the next attempt, ISO 8601 in UTC.' }),
    })
    .optional()
    .meta({ description: 'There while a request has failed and will be tried again.' }),
  dead_letters: z.array(deadLetter).meta({ description: 'The newest first.' }),
});

const webhooks = defineMethod({
  name: 'webhooks',
  summary: 'Tells how each webhook is doing, and its newest dead letters.',
  docs: {
    theme: 'operation',
    description:
      'A dead letter is a request that was given up: refused with a status that trying again would not change, failed as often as `retries.times` allows, or pushed out of a full queue. Its `reason` says which. While a request has failed and will be tried again, `failing` tells why and when; what is newer waits behind it.\n\nEverything here is in memory and belongs to this server: figures begin at 0 with its start.',
    errors: [],
    example: {
      params: {},
      result: {
        webhooks: [
          {
            webhook: 0,
            url: 'http://127.0.0.1:8000/webhooks',
            events: ['inboxOverdue'],
            signed: true,
            pending: 0,
            delivered: 0,
            failures: 0,
            dead: 0,
            kept: 0,
            forgotten: 0,
            dead_letters: [],
          },
        ],
      },
      varies: ['url'],
    },
  },
  params: strict({
    limit: wholeNumber(0, limits.listedDeadLetters)
      .optional()
      .meta({ description: 'Dead letters of each; 10 by default.' }),
  }),
  result: z.strictObject({
    webhooks: z.array(state).meta({ description: 'As the config lists them.' }),
  }),
  run: async ({ limit = 10 }, _raw, verbs) => (await verbs.webhooks?.report(limit)) ?? '{"webhooks":[]}',
});

const retry = defineMethod({
  name: 'webhooks_retry',
  summary: 'Delivers dead letters again, and tries at once what would be tried later.',
  docs: {
    theme: 'operation',
    description:
      'To call when the backend is mended. Each goes as it was, under its own `webhook-id` and with a fresh signature, before what is newer. One that fails again is a dead letter again. As many go at once as may be kept as dead letters; the others stay.',
    errors: [{ error: 'badRequest', when: 'There is no webhook at the place `webhook`.' }],
    example: { params: { webhook: 0 }, result: { letters: 0, events: 0 } },
  },
  params: strict({
    webhook: wholeNumber(0, limits.webhooks - 1)
      .optional()
      .meta({ description: 'The place of one webhook in the answer of `webhooks`; absent: all of them.' }),
    ids: list(text(limits.nameBytes, 'The id of a dead letter.'), 1, limits.listedDeadLetters)
      .optional()
      .meta({ description: 'Dead letters; absent: all of them.' }),
  }),
  result: z.strictObject({
    letters: z.int().meta({ description: 'Dead letters that are on their way again.' }),
    events: z.int().meta({ description: 'How many events they hold.' }),
  }),
  async run({ webhook, ids }, _raw, verbs) {
    const asked = { ...(webhook !== undefined && { webhook }), ...(ids !== undefined && { ids }) };
    return JSON.stringify((await verbs.webhooks?.retry(asked)) ?? { letters: 0, events: 0 });
  },
});

export const webhookMethods: readonly ApiMethod[] = [webhooks, retry];
