/** What goes over the link: a few facts as JSON, and published data as the bytes that it is, untouched. */
import type { JsonText, Position } from '@carillon/protocol';
import type {
  ChannelQuery,
  Exclusion,
  HistoryQuery,
  Publication,
  PublishOptions,
} from '../../core/broker.ts';
import { ReplyError, refuse } from '../../core/errors.ts';
import { emptyFrame, frame, headBytes, type Kind, kinds } from '../../link/frame-reader.ts';

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

/** `data`: of a publish. */
export function askFrame(id: number, question: Question, data: JsonText = ''): Buffer {
  return packed(kinds.ask, [id, question], [data], [Buffer.byteLength(data)]);
}

export function readAsk(body: Buffer): { id: number; question: Question; data: JsonText } {
  const { facts, end } = unpacked(body);
  const [id, question] = facts as [number, Question];
  return { id, question, data: body.toString('utf8', end) };
}

/** `publications`: of a history page, whose other facts are `result`. */
export function answerFrame(id: number, result: unknown, publications: readonly Publication[] = []): Buffer {
  const { texts, sizes, facts } = partsOf(publications);
  return packed(kinds.answer, [id, result, facts], texts, sizes);
}

export function readAnswer(body: Buffer): { id: number; result: unknown; publications: Publication[] } {
  const { facts, end } = unpacked(body);
  const [id, result, each] = facts as [number, unknown, PublicationFacts[]];
  return { id, result: result ?? undefined, publications: publicationsOf(each, body, end) };
}

/** Number of the question, and offset. */
const publishedBytes = 16;

/** The answer to a publish that got an offset; there are so many that they have a shape of their own. */
export function publishedFrame(id: number, { epoch, offset }: Position): Buffer {
  const bytes = emptyFrame(kinds.published, publishedBytes + Buffer.byteLength(epoch));
  bytes.writeDoubleLE(id, headBytes);
  bytes.writeDoubleLE(offset, headBytes + 8);
  bytes.write(epoch, headBytes + publishedBytes);
  return bytes;
}

export function readPublished(body: Buffer): { id: number; position: Position } {
  const position = { epoch: body.toString('utf8', publishedBytes), offset: body.readDoubleLE(8) };
  return { id: body.readDoubleLE(0), position };
}

export function refusalFrame(id: number, error: unknown): Buffer {
  const { code, message, status, retryAfterMs } = error instanceof ReplyError ? error : refuse('internal');
  return packed(kinds.refusal, [id, code, message, status, retryAfterMs]);
}

export function readRefusal(body: Buffer): { id: number; error: ReplyError } {
  const [id, code, message, status, retryAfterMs] = unpacked(body).facts as Refusal;
  return { id, error: new ReplyError(code, message, status, retryAfterMs ?? undefined) };
}

export function publicationsFrame(channel: string, batch: readonly Publication[], epoch: string): Buffer {
  const { texts, sizes, facts } = partsOf(batch);
  return packed(kinds.publications, [channel, epoch, facts], texts, sizes);
}

export function readPublications(body: Buffer): { channel: string; epoch: string; batch: Publication[] } {
  const { facts, end } = unpacked(body);
  const [channel, epoch, each] = facts as [string, string, PublicationFacts[]];
  return { channel, epoch, batch: publicationsOf(each, body, end) };
}

export function gapFrame(channel: string): Buffer {
  return frame(kinds.gap, Buffer.from(channel));
}

export function readGap(body: Buffer): string {
  return body.toString('utf8');
}

/** A frame of facts as JSON with its length before it, then the texts, which have these sizes in bytes. */
function packed(
  kind: Kind,
  facts: unknown,
  texts: readonly string[] = [],
  sizes: readonly number[] = [],
): Buffer {
  const json = JSON.stringify(facts);
  const jsonBytes = Buffer.byteLength(json);
  const bytes = emptyFrame(
    kind,
    sizes.reduce((sum, size) => sum + size, 4 + jsonBytes),
  );
  bytes.writeUInt32LE(jsonBytes, headBytes);
  let end = headBytes + 4;
  end += bytes.write(json, end);
  for (const text of texts) end += bytes.write(text, end);
  return bytes;
}

function unpacked(body: Buffer): { readonly facts: unknown; readonly end: number } {
  const end = 4 + body.readUInt32LE(0);
  return { facts: JSON.parse(body.toString('utf8', 4, end)), end };
}

function partsOf(publications: readonly Publication[]): {
  readonly texts: string[];
  readonly sizes: number[];
  readonly facts: PublicationFacts[];
} {
  const texts = publications.map(({ data }) => data);
  const sizes = texts.map((text) => Buffer.byteLength(text));
  return { texts, sizes, facts: publications.map((each, index) => factsOf(each, sizes[index] ?? 0)) };
}

function factsOf({ offset, at, binary, exclude }: Publication, bytes: number): PublicationFacts {
  return {
    o: offset,
    n: bytes,
    ...(at !== undefined && { a: at }),
    ...(binary && { b: binary }),
    ...(exclude && { x: exclude }),
  };
}

function publicationsOf(facts: readonly PublicationFacts[], bytes: Buffer, begin: number): Publication[] {
  let from = begin;
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
