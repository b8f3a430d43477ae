/** docs/api: a page for each method of the server API, and the index of them. */
import { readFileSync } from 'node:fs';
import { errorCodes } from '@carillon/protocol';
import { z } from 'zod';
import { meshMethods } from '../../packages/server/src/http/api/mesh.ts';
import type { ApiMethod } from '../../packages/server/src/http/api/method.ts';
import {
  commonRefusals,
  type Refusal,
  type Step,
  type Theme,
  themes,
} from '../../packages/server/src/http/api/method-docs.ts';
import { scopeText } from '../../packages/server/src/http/api/openapi.ts';
import { documentedMethods } from './methods.ts';
import { fieldTable, type Schema } from './schema-table.ts';
import { page, table } from './table.ts';

const source = 'packages/server/src/http/api';
const port = 'http://127.0.0.1:6790';

export interface Page {
  /** From the root of the repository. */
  readonly file: string;
  readonly text: string;
}

export function apiPages(): readonly Page[] {
  const methods = documentedMethods();
  return [
    { file: 'docs/api/README.md', text: indexPage(methods) },
    ...methods.map((method) => ({ file: `docs/api/${pageName(method)}`, text: methodPage(method) })),
  ];
}

function indexPage(methods: readonly ApiMethod[]): string {
  const config = readFileSync(new URL('../../docs/api/carillon.config.ts', import.meta.url), 'utf8');
  return page(
    'Server API',
    source,
    'Backends call `POST /v1/<method>` with a JSON object and get `{"result":{...}}`, or `{"error":{"code","message"}}` with a fitting status.' +
      ' The same methods run on one WebSocket, `GET /v1/ws`, for busy publishers. [中文](README.zh-CN.md)',
    'A running server describes all of it at `/openapi.json`, which tools can make a client from; a copy is [openapi.json](../openapi.json).' +
      ' The rules are API1 to API10 of [PROTOCOL.md](../../PROTOCOL.md#server-api-api).',
    ...Object.entries(themes).flatMap(([theme, title]) => themeSection(title, theme as Theme, methods)),
    '## The key',
    'One of `api.keys`, as `Authorization: Bearer K` or `X-API-Key: K`. In development mode none is needed from this machine.' +
      ' A key may be limited to [`scopes` and `channels`](../guides/permissions.md#api-keys); each page says which scope its method needs.',
    '## Errors of every method',
    'Nothing of a request that is refused takes effect. [errors.md](../errors.md) lists all codes.',
    refusalTable(commonRefusals),
    '## The server of the examples',
    'The requests on these pages, and their answers, are what a server with this config says. Its key is in `CARILLON_API_KEY`.',
    block('ts config serve', withoutHead(config)),
  );
}

function themeSection(title: string, theme: Theme, methods: readonly ApiMethod[]): string[] {
  const own = methods.filter((method) => method.docs.theme === theme);
  if (own.length === 0) return [];
  const rows = own.map((method) => [`[${method.name}](${pageName(method)})`, method.summary]);
  return [`## ${title}`, table(['method', 'what it does'], rows)];
}

function methodPage(method: ApiMethod): string {
  const { name, summary, docs } = method;
  const { example, description, errors } = docs;
  const params = fieldTable(schemaOf(method.params), 'params');
  const result = fieldTable(schemaOf(method.result), 'result');
  return page(
    name,
    source,
    `\`POST /v1/${name}\`: ${summary} [All methods](README.md)`,
    [description, scopeText(method)].filter((text) => text !== '').join('\n\n'),
    '## Parameters',
    params ?? 'None: `{}`.',
    '## Result',
    result ?? 'An empty object.',
    '## Errors',
    ...(errors.length === 0 ? [] : [refusalTable(errors)]),
    `${errors.length === 0 ? 'Those' : 'And those'} of [every method](README.md#errors-of-every-method).`,
    '## Example',
    ...(example.before ?? []).flatMap(stepParts),
    ...(example.before === undefined ? [] : ['The request:']),
    curl(`/v1/${name}`, example.params, true),
    answer(envelope(method, example.result), example.varies),
    ...(example.after ?? []).flatMap(stepParts),
  );
}

/** connmix has an envelope of its own. */
function envelope(method: ApiMethod, result: object): object {
  return meshMethods.includes(method) ? result : { result };
}

function stepParts(step: Step): string[] {
  const says = step.says === undefined ? [] : [step.says];
  if ('client' in step) return [...says, block(`text client as=${step.client}`, step.lines.join('\n'))];
  if ('post' in step)
    return [...says, curl(step.post, step.body ?? {}, false), answer(step.answer, step.varies)];
  const { call, params, result, varies } = step;
  const shown = result === undefined ? [] : [answer({ result }, varies)];
  return [...says, curl(`/v1/${call}`, params, true), ...shown];
}

function curl(path: string, body: object, needsKey: boolean): string {
  const key = needsKey ? ' -H "X-API-Key: $CARILLON_API_KEY"' : '';
  const json = pretty(body).replaceAll("'", "'\\''");
  return block('sh run', `curl -fsS ${port}${path}${key} \\\n  --json '${json}'`);
}

function answer(json: object, varies: readonly string[] = []): string {
  const option = varies.length === 0 ? '' : ` varies=${varies.join()}`;
  return block(`json answer${option}`, pretty(json));
}

/** On one line where it fits. */
function pretty(json: object): string {
  const line = JSON.stringify(json);
  return line.length <= 110 ? line : JSON.stringify(json, undefined, 2);
}

function block(info: string, code: string): string {
  return `\`\`\`${info}\n${code.trim()}\n\`\`\``;
}

function refusalTable(refusals: readonly Refusal[]): string {
  return table(
    ['code', 'status', 'when'],
    refusals.map(({ error, status, when }) => [
      `${errorCodes[error].code} \`${errorCodes[error].message}\``,
      String(status ?? errorCodes[error].status),
      when,
    ]),
  );
}

function pageName({ name }: ApiMethod): string {
  return `${name.replace('/', '_')}.md`;
}

function schemaOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: 'input', reused: 'inline' }) as Schema;
}

/** The sentence at the head of the file is said by the page. */
function withoutHead(config: string): string {
  return config.replace(/^\/\*\*.*\*\/\n/, '');
}
