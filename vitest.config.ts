/** How the tests run: unit tests in two processes, then those that start servers and browsers, one file at a time. */
import { defineConfig } from 'vitest/config';

const slow = ['test/system/**/*.test.ts', 'test/simulation/**/*.test.ts', 'bench/**/*.test.ts'];

export default defineConfig({
  resolve: { conditions: ['carillon-source'] },
  ssr: { resolve: { conditions: ['carillon-source'], externalConditions: ['carillon-source'] } },
  test: {
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: slow,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: slow,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
