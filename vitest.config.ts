import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    // What is waited for needs its time, most of all where tests share two cores.
    expect: { poll: { timeout: 15_000 } },
    projects: [
      {
        extends: true,
        test: { name: 'program', include: ['src/**/*.test.ts', 'test/*.test.ts', 'web/src/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'page',
          include: ['test/web/*.test.ts'],
          // Builds the page, unpacks a browser, fills a lake: once for all of them.
          globalSetup: ['test/web/setup.ts'],
        },
      },
    ],
  },
})
