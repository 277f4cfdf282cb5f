/** What the lake needs of a place that keeps objects: a folder on disk today, a bucket tomorrow. */

/** What is known of an object without reading it. */
export interface ObjectInfo {
  readonly sizeBytes: number
  /** Last change, milliseconds since the epoch, by the store's own clock. */
  readonly modifiedMs: number
}

/** Objects named by keys: `/` between the parts, no leading `/`, compared by code unit. */
export interface ObjectStore {
  /** Keys that begin with `prefix` (empty, or ending in `/`) and come after `startAfter`, in order, folders left out. */
  list(prefix: string, startAfter?: string): Promise<string[]>
  /** The bytes of an object; undefined if there is none. */
  read(key: string): Promise<Uint8Array | undefined>
  stat(key: string): Promise<ObjectInfo | undefined>
  /** Makes the object, durably and whole, unless the key is taken; false if it is. Of many callers one gets true. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>
  /** Makes or replaces the object; readers see the old one or the new one whole. */
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Removes the object; nothing happens if there is none. */
  delete(key: string): Promise<void>
  /** A fresh path on local disk for the engine to write a file to; hand it to `publish` or `discard`. */
  stage(extension: string): Promise<string>
  /** Makes a staged file the object `key`, durably, unless the key is taken; false if it is (the file stays staged). */
  publish(staged: string, key: string): Promise<boolean>
  /** Removes a staged file; nothing happens if there is none. */
  discard(staged: string): Promise<void>
  /** The path or URL under which the SQL engine reads the object. */
  locate(key: string): string
}

/** Folder of files being written. Its name begins with `_`, so Delta readers and cleaners of other makers pass it by. */
export const STAGING_DIR = '_staging'

/** Beginning of the names of objects being put; whoever lists must pass them by. */
export const TEMP_PREFIX = '.tmp-'
