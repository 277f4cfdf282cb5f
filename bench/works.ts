/** The pieces of work that run in a process of their own. */

/** Each by name; loaded only in the process that does it. */
export const WORKS = {
  bare: () => import('./works/bare.ts'),
  floor: () => import('./works/floor.ts'),
  chdb: () => import('./works/chdb.ts'),
  ingest: () => import('./works/ingest.ts'),
  verify: () => import('./works/verify.ts'),
  reread: () => import('./works/reread.ts'),
  steady: () => import('./works/steady.ts'),
  query: () => import('./works/query.ts'),
  deliver: () => import('./works/deliver.ts'),
  alert: () => import('./works/alert.ts'),
  detect: () => import('./works/detect.ts'),
  rsigma: () => import('./works/rsigma.ts'),
  correlate: () => import('./works/correlate.ts'),
  simulate: () => import('./works/simulate.ts'),
  'small-objects': () => import('./works/small-objects.ts'),
  batches: () => import('./works/batches.ts'),
  day: () => import('./works/day.ts'),
  lake: () => import('./works/lake.ts'),
  serve: () => import('./works/serve.ts'),
  warm: () => import('./works/warm.ts'),
} as const

/** A key of {@link WORKS}. */
export type WorkName = keyof typeof WORKS

/** What a piece of work is told. */
export type ParamsOf<N extends WorkName> = Parameters<Awaited<ReturnType<(typeof WORKS)[N]>>['work']>[0]
