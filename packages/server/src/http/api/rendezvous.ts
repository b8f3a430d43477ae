/** The methods of the server API with which a backend speaks for the phone that scanned a code. */
import { compactSlice, type JsonText, limits, memberSlice } from '@carillon/protocol';
import { z } from 'zod';
import { refuse } from '../../core/errors.ts';
import type { RendezvousReport } from '../../core/rendezvous.ts';
import { type ApiMethod, defineMethod, type RawParams, type Verbs } from './method.ts';
import { drawn, drawnCode, drawnSecret, rendezvousRefusals } from './rendezvous-docs.ts';
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
  state: z
    .enum(['created', 'scanned', 'confirmed', 'consumed', 'expired', 'cancelled'])
    .meta({ description: 'How far it has come.' }),
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

const { conflict, gone, off, tooLong } = rendezvousRefusals;

const scan = defineMethod({
  name: 'rendezvous_scan',
  summary: 'A phone has read the code that a browser shows. The browser is told, with `info`.',
  docs: {
    theme: 'rendezvous',
    description:
      'From now on the same `device` may scan again, confirm and cancel; without `device`, whoever has the code. Show `browser` on the phone, so that its owner sees which browser is to be logged in.',
    errors: [conflict, gone, off, tooLong],
    example: {
      before: [drawn],
      params: { code: drawnCode, info: { name: 'A**' }, device: 'phone-7' },
      result: { state: 'scanned', expires: 120, browser: { address: '127.0.0.1', agent: 'curl/8.0' } },
      varies: ['expires', 'agent'],
    },
  },
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
  docs: {
    theme: 'rendezvous',
    description:
      'The browser that drew the code, and nobody else, can collect `data` once: it has the secret that goes with the code. A confirm without a scan counts as both.',
    errors: [conflict, gone, off, tooLong],
    example: {
      before: [drawn, { call: 'rendezvous_scan', params: { code: drawnCode, device: 'phone-7' } }],
      params: { code: drawnCode, data: { ticket: 'Zx81' }, device: 'phone-7' },
      result: { state: 'confirmed', expires: 120, browser: { address: '127.0.0.1', agent: 'curl/8.0' } },
      varies: ['expires', 'agent'],
      after: [
        {
          says: 'The browser collects the data:',
          post: '/rendezvous/consume',
          body: { code: drawnCode, secret: drawnSecret },
          answer: { data: { ticket: 'Zx81' } },
        },
      ],
    },
  },
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
  docs: {
    theme: 'rendezvous',
    description: 'Possible until the browser has collected the data. `expires` is absent: it is over.',
    errors: [conflict, gone, off],
    example: {
      before: [drawn],
      params: { code: drawnCode },
      result: { state: 'cancelled', browser: { address: '127.0.0.1', agent: 'curl/8.0' } },
      varies: ['agent'],
    },
  },
  params: cancelParams,
  result: report,
  async run(params, _raw, verbs) {
    return reportText(await deskOf(verbs).cancel(params.code, deviceOf(params)));
  },
});

const state = defineMethod({
  name: 'rendezvous',
  summary: 'Tells how far a rendezvous has come.',
  docs: {
    theme: 'rendezvous',
    description:
      'For a backend that wants to look without taking a step. The browser itself follows the channel `rendezvous:<id>` that it was given.',
    errors: [gone, off],
    example: {
      before: [drawn],
      params: { code: drawnCode },
      result: { state: 'created', expires: 120, browser: { address: '127.0.0.1', agent: 'curl/8.0' } },
      varies: ['expires', 'agent'],
    },
  },
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
