/** `carillon bench`: measures a running server. */
import { type Call, type Command, numberOption, textOption } from './command.ts';
import { targetOptions } from './target.ts';

export const bench: Command = {
  name: 'bench',
  positionals: '[SCENARIO]',
  arity: { min: 0, max: 1 },
  about: [
    'Measures a running server: deliveries per second, latency, CPU per delivery, memory per connection, and losses.',
    'Scenarios: fanout (the default), steady, wide, directed, idle, idle-own, connect, sse, longpoll, several with commas, or all.',
  ],
  options: {
    ...targetOptions,
    connections: { type: 'string', placeholder: 'N', sentence: 'Subscribers, users or connections.' },
    seconds: { type: 'string', placeholder: 'N', sentence: 'How long to measure.' },
    prefix: {
      type: 'string',
      placeholder: 'TEXT',
      sentence: 'Channels begin with this; the rules must let clients subscribe and publish there.',
      default: 'bench:',
    },
    quick: { type: 'boolean', sentence: 'Small and short, to try it out.' },
    json: { type: 'boolean', sentence: 'Print JSON, and no progress.' },
  },
  examples: ['bench', 'bench steady --connections 2000', 'bench all --json'],
  run: runBenchCommand,
};

async function runBenchCommand(call: Call): Promise<number> {
  const connections = numberOption(call, 'connections');
  const seconds = numberOption(call, 'seconds');
  const { runBench } = await import('../bench/main.ts');
  return await runBench({
    url: textOption(bench, call, 'url') ?? '',
    key: textOption(bench, call, 'key'),
    token: textOption(bench, call, 'token'),
    prefix: textOption(bench, call, 'prefix'),
    scenario: call.positionals[0],
    quick: call.flags['quick'] === true,
    json: call.flags['json'] === true,
    connections,
    seconds,
  });
}
