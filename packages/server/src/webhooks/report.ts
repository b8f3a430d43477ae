/** What the server API tells of the webhooks: how each is doing, and what it could not be told. */
import { isoTime, type JsonText, limits } from '@carillon/protocol';
import type { DeadLetter } from './batch.ts';
import type { Webhook } from './webhook.ts';

/** At most `count` dead letters of each, and no more of their events than an answer should carry. */
export function reportText(
  webhooks: readonly Webhook[],
  leaving: ReadonlySet<Webhook>,
  count: number,
): JsonText {
  let room: number = limits.listedDeadBytes;
  const texts = webhooks.map((webhook, place) => {
    const letters = webhook.deadLetters.newest(count).map((letter) => {
      const isShown = letter.bytes <= room;
      if (isShown) room -= letter.bytes;
      return letterText(letter, isShown);
    });
    const head = JSON.stringify({ webhook: place, ...stateOf(webhook, leaving.has(webhook)) });
    return `${head.slice(0, -1)},"dead_letters":[${letters.join()}]}`;
  });
  return `{"webhooks":[${texts.join()}]}`;
}

function stateOf({ sender, options, figures, current }: Webhook, isLeaving: boolean): object {
  const { pending, delivered, failures, dead, kept, forgotten } = figures;
  const { failed } = current ?? {};
  return {
    url: sender.shownUrl,
    ...(options.events !== undefined && { events: options.events }),
    signed: sender.isSigning,
    ...(isLeaving && { leaving: true }),
    pending,
    delivered,
    failures,
    dead,
    kept,
    forgotten,
    ...(current !== undefined &&
      failed !== undefined && {
        failing: {
          attempts: current.attempts,
          reason: failed.reason,
          time: isoTime(failed.at),
          next: isoTime(failed.nextAt),
        },
      }),
  };
}

function letterText({ id, at, reason, status, attempts, events }: DeadLetter, isShown: boolean): JsonText {
  const head = JSON.stringify({ id, time: isoTime(at), reason, status, attempts, count: events.length });
  return isShown ? `${head.slice(0, -1)},"events":[${events.join()}]}` : head;
}
