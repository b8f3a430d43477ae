/** The methods of the server API with which a backend speaks for the phone that scanned a code. */
import { compactSlice, type JsonText, limits, memberSlice } from '@carillon/protocol';
import { z } from 'zod';
import { refuse } from '../../core/errors.ts';
import type { RendezvousReport } from '../../core/rendezvous.ts';
import { type ApiMethod, defineMethod, type RawParams, type Verbs } from './method.ts';
import { strict, text } from './schemas.ts';

const code = text(limits.nameBytes, 'The code that the browser shows.');
const device = text(
  limits.nameBytes,
  'Who scans, in words of your own. The same one may scan again; from then on others are refused.',
);
const info = z.unknown().meta({
  description: `Any JSON value that the browser is told, such as a masked name. At most ${limits.rendezvousInfoBytes} bytes.`,
});
const data = z.unknown().meta({
  description: `Any JSON value, such as a login ticket. It is never published; the browser collects it once. At most ${limits.rendezvousDataBytes} bytes.`,
});

const scanParams = strict({ code, info: info.optional(), device: device.optional() });
const confirmParams = strict({ code, data, device: device.optional() });
const cancelParams = strict({ code, device: device.optional() });
const stateParams = strict({ code });

const report = z.strictObject({
  state: z.enum(['created', 'scanned', 'confirmed', 'consumed', 'expired', 'cancelled']),
  expires: z
    .int()
    .optional()
    .meta({ description: 'Seconds that are left for the next step; absent once it has ended.' }),
  browser: z
    .strictObject({
      address: z.string().meta({ description: 'Its IP address.' }),
      agent: z.string().meta({ description: 'Its User-Agent, cut at 256 characters.' }),
    })
    .meta({ description: 'The browser that drew the code: show it to whoever is asked to confirm.' }),
});

const scan = defineMethod({
  name: 'rendezvous_scan',
  summary: 'A phone has read the code that a browser shows. The browser is told, with `info`.',
  params: scanParams,
  result: report,
  async run(params, raw, verbs) {
    const shown = member(raw, 'info');
    return reportText(
      await deskOf(verbs).scan(params.code, {
        ...deviceOf(params),
        ...(shown !== undefined && { info: shown }),
      }),
    );
  },
});

const confirm = defineMethod({
  name: 'rendezvous_confirm',
  summary: 'The user has agreed on the phone. `data` waits for the browser that drew the code.',
  params: confirmParams,
  result: report,
  async run(params, raw, verbs) {
    const ticket = member(raw, 'data') ?? 'null';
    return reportText(await deskOf(verbs).confirm(params.code, { ...deviceOf(params), data: ticket }));
  },
});

const cancel = defineMethod({
  name: 'rendezvous_cancel',
  summary: 'The user has declined on the phone. The browser is told, and the code is void.',
  params: cancelParams,
  result: report,
  async run(params, _raw, verbs) {
    return reportText(await deskOf(verbs).cancel(params.code, deviceOf(params)));
  },
});

const state = defineMethod({
  name: 'rendezvous',
  summary: 'Tells how far a rendezvous has come.',
  params: stateParams,
  result: report,
  async run(params, _raw, verbs) {
    return reportText(await deskOf(verbs).state(params.code));
  },
});

export const rendezvousMethods: readonly ApiMethod[] = [state, scan, confirm, cancel];

function deskOf({ rendezvous }: Verbs): NonNullable<Verbs['rendezvous']> {
  if (rendezvous !== undefined) return rendezvous;
  throw refuse('notAvailable', "rendezvous are off; turn them on with 'rendezvous: {}' in the config");
}

function deviceOf(params: { readonly device?: string | undefined }): { device?: string } {
  return params.device === undefined ? {} : { device: params.device };
}

/** As it was written, without the white space outside strings. */
function member({ json, start }: RawParams, name: string): JsonText | undefined {
  const slice = memberSlice(json, name, start);
  return slice === undefined ? undefined : compactSlice(json, slice);
}

function reportText({ state: reached, expires, browser }: RendezvousReport): JsonText {
  return JSON.stringify({ state: reached, ...(expires !== undefined && { expires }), browser });
}
