/** What a commit of a Delta table adds and removes, as far as it bears on which files a reader sees. */

/** Files of a commit: `KEY SIZE` of those added, keys of those removed. */
export interface DeltaCommit {
  readonly adds: readonly string[]
  readonly removes: readonly string[]
}

interface Action {
  readonly add?: { readonly path: string; readonly size: number }
  readonly remove?: { readonly path: string }
}

/** Reads a commit; undefined for bytes that are none. */
export function parseDeltaCommit(bytes: Uint8Array): DeltaCommit | undefined {
  try {
    const lines = Buffer.from(bytes).toString('utf8').split('\n')
    const actions = lines.filter((line) => line.trim() !== '').map((line): Action => JSON.parse(line))
    return {
      adds: actions.flatMap(({ add }) => (add ? [`${decodeURIComponent(add.path)} ${add.size}`] : [])),
      removes: actions.flatMap(({ remove }) => (remove ? [decodeURIComponent(remove.path)] : [])),
    }
  } catch {
    return undefined
  }
}
