import { describe, expect, it } from 'vitest';
import { createLog, type LogSettings } from './logger.ts';

async function lines(
  settings: LogSettings,
  isTTY: boolean,
  write: (log: Awaited<ReturnType<typeof createLog>>) => void,
) {
  const written: string[] = [];
  write(await createLog(settings, { isTTY, write: (line: string) => written.push(line) }));
  return written;
}

describe('the log', () => {
  it('writes JSON lines where no terminal is', async () => {
    const [line = ''] = await lines({ level: 'info', format: 'auto' }, false, (log) =>
      log.warn('slow', { channel: 'a', ms: 5 }),
    );
    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      msg: 'slow',
      channel: 'a',
      ms: 5,
      pid: process.pid,
    });
    expect(line.endsWith('\n')).toBe(true);
  });

  it('writes calm lines on a terminal', async () => {
    const [line] = await lines({ level: 'info', format: 'auto' }, true, (log) =>
      log.info('listening', { url: 'http://127.0.0.1:1/', note: 'two words', count: 2 }),
    );
    expect(line).toMatch(
      /^\d\d:\d\d:\d\d info {2}listening url=http:\/\/127\.0\.0\.1:1\/ note="two words" count=2\n$/,
    );
  });

  it('leaves out what is below the level', async () => {
    const all = (log: Awaited<ReturnType<typeof createLog>>) => {
      log.debug('1');
      log.info('2');
      log.warn('3');
      log.error('4');
    };
    expect(await lines({ level: 'warn', format: 'human' }, false, all)).toHaveLength(2);
    expect(await lines({ level: 'silent', format: 'json' }, false, all)).toEqual([]);
  });

  it.each(['human', 'json'] as const)('shows no token, key or password in %s lines', async (format) => {
    const written = await lines({ level: 'debug', format }, false, (log) =>
      log.error('refused GET /ws?token=hidden&x=1', {
        token: 'hidden',
        headers: { authorization: 'Bearer hidden', 'x-api-key': 'hidden', host: 'here' },
        error: new Error('redis://me:hidden@host is down'),
      }),
    );
    expect(written.join('')).not.toContain('hidden');
    expect(written.join('')).toContain('token=***&x=1');
    expect(written.join('')).toContain('here');
  });

  it('keeps a line one line, whatever a client sent', async () => {
    const written = await lines({ level: 'debug', format: 'human' }, false, (log) =>
      log.info('first\nsecond\u001b[2J', { name: 'a\nb', error: new Error('x\ny') }),
    );
    expect(written).toHaveLength(1);
    expect(written.join('').trimEnd()).not.toMatch(/\p{Cc}/u);
  });

  it('tells a terminal nothing: no control characters of eight bits, and none in the names of fields', async () => {
    const written = await lines({ level: 'debug', format: 'human' }, false, (log) =>
      log.info('a\u009b31m\u007f', {
        one: 'b\u009b31m',
        two: 'c \u009b31m\u2028d',
        'x\n12:00:00 error forged': 1,
        four: ['e\u0085'],
      }),
    );
    expect(written).toHaveLength(1);
    expect(written.join('').trimEnd()).not.toMatch(/[\p{Cc}\u2028]/u);
    expect(written.join('')).toContain(
      'a\\u009b31m\\u007f one=b\\u009b31m two="c \\u009b31m\\u2028d" x\\n12:00',
    );
  });

  it('has each part of a JSON line once: a field that is called like one steps aside', async () => {
    const [line = ''] = await lines({ level: 'info', format: 'json' }, false, (log) =>
      log.warn('true', { level: 'error', msg: 'forged', time: 0, pid: 1, other: 2 }),
    );
    expect(line.match(/"(?:level|msg|time|pid)":/g)).toHaveLength(4);
    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      msg: 'true',
      pid: process.pid,
      level_: 'error',
      msg_: 'forged',
      time_: 0,
      pid_: 1,
      other: 2,
    });
  });
});

it('RLD1 another level holds from then on', async () => {
  const written = await lines({ level: 'warn', format: 'json' }, false, (log) => {
    log.info('before');
    log.setLevel('info');
    log.info('after');
    log.setLevel('silent');
    log.error('never');
  });
  expect(written.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['after']);
});
