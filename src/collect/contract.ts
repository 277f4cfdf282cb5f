/** Where raw material comes from: a source lists objects; an object is a file of records that may grow or be overwritten. */

import type { Home } from '../core/home.ts'

/** An object as the source lists it. Nothing of it has been read yet. */
export interface SourceObject {
  /** Name for people and for the ledger; the same object has the same key every time. */
  readonly key: string
  /** Where its bytes can be read on local disk. */
  readonly path: string
  readonly sizeBytes: number
  /** Last change, milliseconds since the epoch. */
  readonly modifiedMs: number
}

/** A source plug-in: one file in `sources/`, one line in `registry.ts`. */
export interface Source {
  readonly name: string
  readonly doc: string
  /** True if this source understands the specification, a path or URL as typed. */
  takes(spec: string): boolean
  /**
   * Lists the objects, in an order that keeps a day together where paths tell it.
   * @throws AppError NO_SOURCE, UNREADABLE
   */
  list(spec: string, context: SourceContext): Promise<SourceObject[]>
}

/** What a source may use. */
export interface SourceContext {
  /** Where the lake is; what stands there is no source. */
  readonly home: Home
  /** Folder for spooled input. */
  readonly tmp: string
  readonly stdin: NodeJS.ReadableStream
}
