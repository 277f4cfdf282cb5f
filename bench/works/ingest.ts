/** Bricktrail's own way: `ingest()` from the files to committed events, as the command does it. */
import { Readable } from 'node:stream'
import { homeAt } from '../../src/core/home.ts'
import { ingest } from '../../src/ingest/ingest.ts'
import { type Measured, stopwatch } from '../outcome.ts'

/** What to ingest, and where. */
export interface IngestParams {
  readonly home: string
  readonly source: string
  /** False leaves the seal and the raw archive out. */
  readonly seal?: boolean
}

/** Ingests; `events` counts unchanged objects' events as none. */
export async function work({ home, source, seal = true }: IngestParams): Promise<Measured> {
  const lap = stopwatch()
  const report = await ingest({
    home: homeAt(home),
    specs: [source],
    form: 'auto',
    stdin: Readable.from([]),
    now: () => new Date(),
    seal,
  })
  const { objects, unchanged, duplicates, rejects, redactions, bytes } = report
  return { events: report.events, ...lap(), details: { objects, unchanged, duplicates, rejects, redactions, bytes } }
}
