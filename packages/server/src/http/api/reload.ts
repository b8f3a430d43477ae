/** The method of the server API that loads the config again. */
import { limits } from '@carillon/protocol';
import { z } from 'zod';
import { refuse } from '../../core/errors.ts';
import { type ApiMethod, defineMethod } from './method.ts';
import { noParams } from './schemas.ts';

const paths = z.array(z.string());

const reload = defineMethod({
  name: 'reload',
  summary: 'Loads the config again, without dropping a connection.',
  docs: {
    theme: 'operation',
    description:
      'The same as SIGHUP and `carillon reload`. The config file is read again, as it was at the start, with the same flags and environment. What can change while the server runs does: rules, API keys, tokens, origins, paths, webhooks and what else is marked in the reference of the config. The rest is named in `restart` and waits for one.\n\nA config with faults changes nothing, and the answer names all of them. Subscriptions that the new rules would not admit are ended, with an `unsubscribed` event.',
    errors: [
      {
        error: 'badRequest',
        when: 'The config cannot be used. The message names what is wrong; nothing has changed.',
      },
    ],
    example: { params: {}, result: { changed: [], restart: [] } },
  },
  params: noParams,
  result: z.strictObject({
    changed: paths.meta({
      description: `Paths of the values that changed, at most ${limits.listedChanges}, such as \`api.keys\`.`,
    }),
    restart: paths.meta({
      description: `Paths of the values that need a restart, at most ${limits.listedChanges}.`,
    }),
    more: z.int().optional().meta({ description: 'How many further paths there are.' }),
  }),
  async run(_params, _raw, { reload: load }) {
    if (load === undefined) throw refuse('notAvailable', 'this server cannot load its config again');
    return JSON.stringify(await load());
  },
});

export const reloadMethods: readonly ApiMethod[] = [reload];
