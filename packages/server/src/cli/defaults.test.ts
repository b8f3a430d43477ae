import { limits } from '@carillon/protocol';
import { expect, it } from 'vitest';
import { loadConfig } from '../config/load.ts';

it('The defaults of the config are those of the table of limits', async () => {
  const { settings } = await loadConfig({ env: {}, cwd: import.meta.dirname });
  expect(settings.websocket.maxFrameBytes).toBe(limits.frameBytes);
  expect(settings.limits).toMatchObject({
    channelsPerConnection: limits.channelsPerConnection,
    apiBodyBytes: limits.bodyBytes,
    memoryHistoryBytes: limits.memoryHistoryBytes,
    laneLogBytes: limits.laneLogBytes,
  });
});
