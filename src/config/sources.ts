/** Whether sources are there, before a service watches them. */
import { stat } from 'node:fs/promises'
import type { SourceSettings } from '../service/settings.ts'
import { fixedPart } from '../service/source-watch.ts'

/** A source, and what a person should know of it. It may be mended by files that come later. */
export interface CheckedSource {
  readonly name: string
  readonly problem?: string
}

/** Looks whether there is something at the fixed part of each path. */
export const checkedSources = (sources: readonly SourceSettings[]): Promise<CheckedSource[]> =>
  Promise.all(
    sources.map(async ({ name, specs }) => {
      for (const spec of specs) {
        const path = fixedPart(spec)
        const isThere = await stat(path).then(
          () => true,
          () => false,
        )
        if (!isThere) return { name, problem: `${path} is not there, or may not be read.` }
      }
      return { name }
    }),
  )
