import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const bin = fileURLToPath(new URL('../../bin/carillon.js', import.meta.url));
const secret = 'a secret of thirty-two bytes, no less';
let cwd: string;

beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'carillon-token-'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function token(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('CARILLON_'));
  return new Promise((resolve) => {
    const options = { cwd, env: { ...Object.fromEntries(inherited), ...env }, timeout: 25_000 };
    const child = execFile(process.execPath, [bin, 'token', ...args], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

function config(name: string, auth: object): string {
  writeFileSync(join(cwd, name), JSON.stringify({ auth }));
  return name;
}

describe('carillon token', () => {
  test("is signed with the config's secret and carries its issuer and audience", async () => {
    const file = config('full.json', { jwt: { secret, issuer: ['me', 'you'], audience: 'push' } });
    const marks = ['--info', '{"name":"Ada"}', '--tags', '{"vip":true}', '--channels', 'a, room:*'];
    const { code, stdout } = await token([
      '--user',
      '1001',
      '--expires',
      '15m',
      '--config',
      file,
      ...marks,
      '--json',
    ]);
    expect(code).toBe(0);
    const told = JSON.parse(stdout) as { readonly token: string };
    expect(told).toEqual({ token: told.token, user: '1001', expires: 900 });
    const { payload, protectedHeader } = await jwtVerify(told.token, new TextEncoder().encode(secret));
    expect(protectedHeader).toEqual({ alg: 'HS256', typ: 'JWT' });
    const { iat = 0, exp = 0, ...claims } = payload;
    expect(exp - iat).toBe(900);
    expect(claims).toEqual({
      sub: '1001',
      info: { name: 'Ada' },
      tags: { vip: true },
      channels: ['a', 'room:*'],
      iss: 'me',
      aud: 'push',
    });
  });

  test('needs no config file where the secret comes from elsewhere, and prints the token alone', async () => {
    for (const outcome of [
      await token(['--user', '7', '--secret', secret]),
      await token(['--user', '7'], { CARILLON_AUTH_JWT_SECRET: secret }),
    ]) {
      expect(outcome).toMatchObject({ code: 0, stderr: '' });
      expect(outcome.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
      expect(decodeJwt(outcome.stdout.trim())).toMatchObject({ sub: '7' });
      await jwtVerify(outcome.stdout.trim(), new TextEncoder().encode(secret));
    }
  });

  test('may be for channels alone, and have a name', async () => {
    const args = ['--channel', 'room:a,b', '--channel', 'room:*', '--jti', 'ticket-1', '--json'];
    const { code, stdout } = await token([...args, '--secret', secret]);
    expect(code).toBe(0);
    const told = JSON.parse(stdout) as { readonly token: string };
    expect(told).toEqual({ token: told.token, expires: 3_600 });
    const { iat: _, exp: __, ...claims } = decodeJwt(told.token);
    expect(claims).toEqual({ channels: ['room:a,b', 'room:*'], jti: 'ticket-1' });
  });

  test('says what is missing, and ends with 78', async () => {
    const publicKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
    const bare = config('bare.json', {});
    const open = config('public.json', { jwt: { publicKey } });
    expect(await token(['--user', '7'])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('set auth.jwt.secret'),
    });
    expect(await token(['--user', '7', '--config', bare])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('bare.json'),
    });
    const refused = await token(['--user', '7', '--config', open]);
    expect(refused).toMatchObject({ code: 78, stderr: expect.stringContaining('can only check tokens') });
  });

  test.each<[readonly string[], string]>([
    [[], "'--user' is required"],
    [['--user', 'a\nb'], "'--user' must have at most 255 bytes"],
    [['--user', '7', '--expires', '60'], "'--expires' must be a duration of at least 1s, with its unit"],
    [['--user', '7', '--info', '{'], "'--info' must be JSON"],
    [['--user', '7', '--tags', '["vip"]'], "'--tags' must be an object"],
    [['--user', '7', '--channels', 'a,,b'], "'--channels' must be names"],
    [['--channel', 'x'.repeat(256)], "'--channel' must be a name or pattern"],
    [['--user', '7', '--jti', 'a\tb'], "'--jti' must have at most 255 bytes"],
    [['--usr', '7'], "did you mean '--user'?"],
    [['--user', '7', '--info', JSON.stringify('x'.repeat(8_000))], 'more than 8192 bytes'],
  ])('%j is wrong usage, and the secret is never printed', async (args, sentence) => {
    const { code, stdout, stderr } = await token([...args, '--secret', secret]);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain(secret);
  });
});
