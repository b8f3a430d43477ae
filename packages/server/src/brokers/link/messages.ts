/** What goes over the link: a few facts as JSON, and published data as the bytes that it is, untouched. */
import type { JsonText } from '@carillon/protocol';
import type {
  ChannelQuery,
  Exclusion,
  HistoryQuery,
  Publication,
  PublishOptions,
} from '../../core/broker.ts';
import { ReplyError, refuse } from '../../core/errors.ts';
import { frame, kinds } from '../../link/frames.ts';

/** What a worker asks the primary's broker. */
export type Question =
  | { readonly op: 'subscribe' | 'unsubscribe' | 'removeHistory'; readonly channel: string }
  | { readonly op: 'publish'; readonly channel: string; readonly options: PublishOptions }
  | { readonly op: 'answered'; readonly channel: string; readonly idempotencyKey: string }
  | { readonly op: 'history'; readonly channel: string; readonly query: HistoryQuery }
  | { readonly op: 'channels'; readonly query: ChannelQuery };

/** The facts of a publication; its data follows as bytes. */
interface PublicationFacts {
  /** Offset. */
  readonly o: number;
  /** Bytes of the data. */
  readonly n: number;
  /** When it was published, where history says so. */
  readonly a?: number;
  readonly b?: true;
  readonly x?: Exclusion;
}

type Refusal = [id: number, code: number, message: string, status: number, retryAfterMs: number | null];

/** Facts as JSON with its length before it, then bytes. */
function packed(facts: unknown, ...texts: readonly string[]): Buffer {
  const head = Buffer.from(JSON.stringify(facts));
  const data = texts.map((text) => Buffer.from(text));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(head.length, 0);
  return Buffer.concat([length, head, ...data]);
}

function unpacked(body: Buffer): { readonly facts: unknown; readonly rest: Buffer } {
  const end = 4 + body.readUInt32LE(0);
  return { facts: JSON.parse(body.toString('utf8', 4, end)), rest: body.subarray(end) };
}

/** `data`: of a publish. */
export function askFrame(id: number, question: Question, data: JsonText = ''): Buffer {
  return frame(kinds.ask, packed([id, question], data));
}

export function readAsk(body: Buffer): { id: number; question: Question; data: JsonText } {
  const { facts, rest } = unpacked(body);
  const [id, question] = facts as [number, Question];
  return { id, question, data: rest.toString('utf8') };
}

/** `publications`: of a history page, whose other facts are `result`. */
export function answerFrame(id: number, result: unknown, publications: readonly Publication[] = []): Buffer {
  const facts = publications.map(factsOf);
  return frame(kinds.answer, packed([id, result, facts], ...publications.map(({ data }) => data)));
}

export function readAnswer(body: Buffer): { id: number; result: unknown; publications: Publication[] } {
  const { facts, rest } = unpacked(body);
  const [id, result, each] = facts as [number, unknown, PublicationFacts[]];
  return { id, result: result ?? undefined, publications: publicationsOf(each, rest) };
}

export function refusalFrame(id: number, error: unknown): Buffer {
  const { code, message, status, retryAfterMs } = error instanceof ReplyError ? error : refuse('internal');
  return frame(kinds.refusal, packed([id, code, message, status, retryAfterMs]));
}

export function readRefusal(body: Buffer): { id: number; error: ReplyError } {
  const [id, code, message, status, retryAfterMs] = unpacked(body).facts as Refusal;
  return { id, error: new ReplyError(code, message, status, retryAfterMs ?? undefined) };
}

export function publicationsFrame(channel: string, batch: readonly Publication[], epoch: string): Buffer {
  return frame(
    kinds.publications,
    packed([channel, epoch, batch.map(factsOf)], ...batch.map(({ data }) => data)),
  );
}

export function readPublications(body: Buffer): { channel: string; epoch: string; batch: Publication[] } {
  const { facts, rest } = unpacked(body);
  const [channel, epoch, each] = facts as [string, string, PublicationFacts[]];
  return { channel, epoch, batch: publicationsOf(each, rest) };
}

export function gapFrame(channel: string): Buffer {
  return frame(kinds.gap, Buffer.from(channel));
}

export function readGap(body: Buffer): string {
  return body.toString('utf8');
}

function factsOf({ offset, data, at, binary, exclude }: Publication): PublicationFacts {
  return {
    o: offset,
    n: Buffer.byteLength(data),
    ...(at !== undefined && { a: at }),
    ...(binary && { b: binary }),
    ...(exclude && { x: exclude }),
  };
}

function publicationsOf(facts: readonly PublicationFacts[], bytes: Buffer): Publication[] {
  let from = 0;
  return facts.map(({ o, n, a, b, x }) => {
    const data = bytes.toString('utf8', from, from + n);
    from += n;
    return {
      offset: o,
      data,
      ...(a !== undefined && { at: a }),
      ...(b && { binary: b }),
      ...(x && { exclude: x }),
    };
  });
}
