/** The reference of the config, made from the schema: a page for people and a JSON schema for editors. */
import { z } from 'zod';
import { flagKeys } from './environment.ts';
import { type ConfigKey, configKeys } from './keys.ts';
import { isLive } from './live.ts';
import { configSchema } from './schema.ts';

const introduction = `# Configuration

<!-- Generated from packages/server/src/config/schema.ts by \`npm run generate\`; edit that file, not this one. -->

Carillon reads \`carillon.config.ts\` (or \`.js\`, \`.mjs\`, \`.json\`, \`.yaml\`, \`.yml\`) in the working directory, or the file that \`--config\` or
\`CARILLON_CONFIG\` names. A flag wins over the environment, the environment over the file, the file over the default. The
whole config is checked at the start: everything that is wrong is reported at once, and the server ends with status 78.
\`carillon init\` writes a commented file, and \`carillon check\` prints what is in force and where each value comes from.

- Durations are texts with a unit: \`'250ms'\`, \`'25s'\`, \`'10m'\`, \`'24h'\`, \`'7d'\`. Sizes are numbers; the key says the unit.
- In the environment, lists are separated by commas, and switches are \`true\` or \`false\`. \`CARILLON_API_KEY\` stands for one API key.
- Development mode is on with \`--dev\` (\`CARILLON_DEV=true\`), and where there is neither a config file nor an API key. Then the
  API needs no key, every channel that no rule matches is open and keeps 100 publications for 10 minutes, and \`/\` shows the demos.
- ↻ marks what a reload changes (\`carillon reload\`, SIGHUP); everything else waits for a restart.
- Who: \`anyone\`; \`user\`, whoever showed a valid token; \`owner\`, the user whom \`{uid}\` in the pattern names; \`subscriber\`, who is
  subscribed to the channel; \`token\`, whose token lists the channel; \`hook\`, whom the
  hook \`subscribe\` or \`publish\` lets; \`nobody\`, the server API alone.
`;

/** The page docs/configuration.md. */
export function renderConfigReference(): string {
  const keys = configKeys();
  const groups = new Map<string, ConfigKey[]>();
  for (const known of keys) {
    const group = known.path.slice(0, -1).join('.');
    if (known.kind !== 'section') groups.set(group, [...(groups.get(group) ?? []), known]);
  }
  const parts = [...groups].map(([group, members]) => renderGroup(group, members, keys));
  return [introduction, ...parts].join('\n');
}

function renderGroup(group: string, members: readonly ConfigKey[], all: readonly ConfigKey[]): string {
  const section = all.find(({ path }) => path.join('.') === group.replace(/\.<\w+>$/, ''));
  const title = group === '' ? 'Top level' : `\`${group}\``;
  const rows = members.map((known) => {
    const names = [flagOf(known), known.env === undefined ? '' : `\`${known.env}\``].filter(
      (name) => name !== '',
    );
    const cells = [
      `\`${known.path.at(-1)}\`${isLive(known.path) ? ' ↻' : ''}`,
      typeOf(known),
      defaultOf(known),
      names.join('<br>'),
      known.sentence,
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  const lines = [`## ${title}`, ''];
  if (section !== undefined && section.sentence !== '') lines.push(section.sentence, '');
  lines.push(
    '| key | type | default | flag, environment | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  );
  return lines.join('\n');
}

function flagOf({ info }: ConfigKey): string {
  return info.flag === undefined ? '' : `\`--${info.flag}\``;
}

function defaultOf(known: ConfigKey): string {
  if (known.default === undefined) return known.required ? 'required' : 'none';
  return `\`${JSON.stringify(known.default).replaceAll('"', "'")}\``;
}

/** The type of a key, as the reference and the help say it. */
export function typeOf({ schema, info, kind }: ConfigKey): string {
  if (info.type !== undefined) return info.type;
  if (schema instanceof z.ZodEnum) return schema.options.map((option) => `\`${option}\``).join(' | ');
  if (schema instanceof z.ZodArray) return kind === 'list' ? 'list of objects' : 'list of texts';
  if (schema instanceof z.ZodRecord) return `object by ${info.entry ?? 'name'}`;
  if (schema instanceof z.ZodNumber) return 'number';
  if (schema instanceof z.ZodBoolean) return 'boolean';
  if (schema instanceof z.ZodObject) return 'object';
  return isDuration(schema) ? 'duration' : 'text';
}

function isDuration(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodString && schema.safeParse('30s').success && !schema.safeParse('30').success;
}

/** The file config.schema.json, which editors use for JSON and YAML configs. */
export function renderConfigSchema(): string {
  const { properties, ...schema } = z.toJSONSchema(configSchema, {
    io: 'input',
    unrepresentable: 'any',
    // Only a channel's schema is made by hand; JSON and YAML cannot have one.
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema instanceof z.ZodCustom) jsonSchema.not = {};
    },
  });
  const named = { title: 'Carillon configuration', ...schema };
  const text = { ...named, properties: { $schema: { type: 'string' }, ...properties } };
  return `${JSON.stringify(text, undefined, 2)}\n`;
}

/** A flag of `carillon serve`, for its help and its parser. */
export interface FlagReference {
  readonly name: string;
  readonly type: 'string' | 'boolean';
  /** What stands for the value in the help. */
  readonly placeholder: string;
  readonly sentence: string;
  readonly env: string | undefined;
  readonly default: unknown;
}

/** The flags that set keys, in the order of the schema. */
export function flagReferences(): FlagReference[] {
  return [...flagKeys()].map(([name, known]) => ({
    name,
    type: known.schema instanceof z.ZodBoolean ? 'boolean' : 'string',
    placeholder: name === 'workers' ? 'N|auto' : name === 'data' ? 'DIR' : name.toUpperCase(),
    sentence: known.sentence,
    env: known.env,
    default: known.default,
  }));
}
