/** Reads the backends of the pages that need a framework which is not installed here, as far as a page can be wrong about them. */
import { readFileSync } from 'node:fs';
import { transformSync } from 'esbuild';
import { root } from './pages.ts';

interface Operation {
  readonly requestBody: {
    readonly content: { readonly 'application/json': { readonly schema: { readonly properties: object } } };
  };
}

/** What a block may import besides Node.js' own modules and files beside it. */
const frameworks = new Set(['express', 'hono', '@hono/node-server']);

/** Syntax, imports, and that each method of the server API exists and takes the fields that it is given. */
export function faultsOfBackend(code: string): string[] {
  try {
    transformSync(code, { loader: 'js', format: 'esm', logLevel: 'silent' });
  } catch (error) {
    return [String(error)];
  }
  const strangers = [...code.matchAll(/from '([^']+)'/g)]
    .map(([, from = '']) => from)
    .filter((from) => !/^(?:node:|\.\/)/.test(from) && !frameworks.has(from));
  return [...strangers.map((from) => `'${from}' is no known framework`), ...faultsOfCalls(code)];
}

function faultsOfCalls(code: string): string[] {
  const calls = [...code.matchAll(/carillon\('(\w+)',\s*\{(.*?)\}\)/gs)];
  if (calls.length === 0) return ['it calls no method of the server API'];
  return calls.flatMap(([, method = '', params = '']) => {
    const known = fieldsOf(method);
    if (known === undefined) return [`there is no method '${method}'`];
    return outerNames(params)
      .filter((name) => !known.includes(name))
      .map((name) => `'${method}' takes no '${name}'`);
  });
}

function fieldsOf(method: string): string[] | undefined {
  const { paths } = JSON.parse(readFileSync(`${root}docs/openapi.json`, 'utf8')) as {
    readonly paths: Readonly<Record<string, { readonly post?: Operation }>>;
  };
  const operation = paths[`/v1/${method}`]?.post;
  return operation && Object.keys(operation.requestBody.content['application/json'].schema.properties);
}

/** The names of an object's own members: `to, data` of `to: { where }, data: { title }`. */
function outerNames(members: string): string[] {
  let outer = members;
  for (let before = ''; before !== outer; ) {
    before = outer;
    outer = outer.replace(/\{[^{}]*\}/g, '');
  }
  return outer.split(',').flatMap((member) => /^\s*(\w+)/.exec(member)?.[1] ?? []);
}
