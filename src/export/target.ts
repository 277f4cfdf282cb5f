/** Where an export goes: one file, a folder with one file a day, or standard output; and in which container. */
import { type Stats, statSync } from 'node:fs'
import { basename, resolve, sep } from 'node:path'
import { AppError } from '../core/errors.ts'
import type { ExportFormat } from './contract.ts'

/** A place to export to, with everything about the bytes decided. */
export interface ExportTarget {
  readonly kind: 'file' | 'folder' | 'stream'
  /** Absolute; `-` for standard output. */
  readonly path: string
  /** Complete COPY options for the engine. */
  readonly copyOptions: string
  /** As {@link copyOptions}, for what follows in one stream; absent where they are the same. */
  readonly continued?: string
  /** Extension of the files in a folder, with `.gz` where compressed. */
  readonly extension: string
}

/**
 * Reads what a user means by `--out`. A folder is an existing one, a path that ends in a slash, or a name without an
 * extension; `-` alone is standard output. A file's extension chooses the container where the format has several, and `.gz` means gzip. Throws
 * BAD_ARGUMENT for what cannot be.
 */
export function exportTarget(format: ExportFormat, out: string, gzip = false): ExportTarget {
  if (out === '-') return { kind: 'stream', path: out, ...streamContainer(format, gzip) }
  const path = resolve(out)
  const existing = statSync(path, { throwIfNoEntry: false })
  if (isFolder(out, existing)) {
    return { kind: 'folder', path, ...container(format, format.extension, gzip) }
  }
  if (existing !== undefined && !existing.isFile()) {
    throw new AppError('BAD_ARGUMENT', `${out} is neither a file nor a folder.`, {
      hint: 'Name a file or a folder with --out.',
    })
  }
  const zipped = out.endsWith('.gz')
  const named = (zipped ? out.slice(0, -'.gz'.length) : out).toLowerCase()
  const extension = basename(named).includes('.') ? named.slice(named.lastIndexOf('.') + 1) : format.extension
  return { kind: 'file', path, ...container(format, extension, gzip || zipped) }
}

const isFolder = (out: string, existing: Stats | undefined): boolean =>
  existing === undefined
    ? out.endsWith('/') || out.endsWith(sep) || !basename(out).includes('.')
    : existing.isDirectory()

/** Parquet has its index at the end and is read from there, so it is no format for a pipe; JSON lines are. */
function streamContainer(format: ExportFormat, gzip: boolean): ReturnType<typeof container> {
  if (format.extension !== 'parquet') return container(format, format.extension, gzip)
  const [lines] = format.variants?.flatMap((each) => each.extensions) ?? []
  if (lines !== undefined) return container(format, lines, gzip)
  throw new AppError('BAD_ARGUMENT', `${format.name} cannot go to standard output: its readers need a file.`, {
    hint: 'Name a file with --out FILE.parquet, or choose another --format.',
  })
}

function container(format: ExportFormat, extension: string, gzip: boolean): Omit<ExportTarget, 'kind' | 'path'> {
  const variant = format.variants?.find((each) => each.extensions.includes(extension))
  if (format.variants !== undefined && variant === undefined && extension !== format.extension) {
    const known = [format.extension, ...format.variants.flatMap((each) => each.extensions)]
    throw new AppError('BAD_ARGUMENT', `${format.name} is not written as .${extension}.`, {
      hint: `Use a file name that ends in ${known.map((each) => `.${each}`).join(', ')}.`,
    })
  }
  const { copyOptions, gzip: canGzip } = variant ?? format
  const continued = variant === undefined ? format.continued : undefined
  if (gzip && !canGzip) {
    throw new AppError('BAD_ARGUMENT', `${format.name} as .${extension} is compressed already.`, {
      hint: 'Leave --gzip and .gz away.',
    })
  }
  const complete = (options: string) => (canGzip ? `${options}, COMPRESSION ${gzip ? 'gzip' : 'none'}` : options)
  return {
    copyOptions: complete(copyOptions),
    ...(continued === undefined ? {} : { continued: complete(continued) }),
    extension: gzip ? `${extension}.gz` : extension,
  }
}
