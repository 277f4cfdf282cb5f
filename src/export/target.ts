/** Where an export goes: one file, or a folder with one file a day; and in which container. */
import { type Stats, statSync } from 'node:fs'
import { basename, resolve, sep } from 'node:path'
import { AppError } from '../core/errors.ts'
import type { ExportFormat } from './contract.ts'

/** A place to export to, with everything about the bytes decided. */
export interface ExportTarget {
  readonly kind: 'file' | 'folder'
  /** Absolute. */
  readonly path: string
  /** Complete COPY options for the engine. */
  readonly copyOptions: string
  /** Extension of the files in a folder, with `.gz` where compressed. */
  readonly extension: string
}

/**
 * Reads what a user means by `--out`. A folder is an existing one, a path that ends in a slash, or a name without an
 * extension. A file's extension chooses the container where the format has several, and `.gz` means gzip. Throws
 * BAD_ARGUMENT for what cannot be.
 */
export function exportTarget(format: ExportFormat, out: string, gzip = false): ExportTarget {
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

function container(format: ExportFormat, extension: string, gzip: boolean): Omit<ExportTarget, 'kind' | 'path'> {
  const variant = format.variants?.find((each) => each.extensions.includes(extension))
  if (format.variants !== undefined && variant === undefined && extension !== format.extension) {
    const known = [format.extension, ...format.variants.flatMap((each) => each.extensions)]
    throw new AppError('BAD_ARGUMENT', `${format.name} is not written as .${extension}.`, {
      hint: `Use a file name that ends in ${known.map((each) => `.${each}`).join(', ')}.`,
    })
  }
  const { copyOptions, gzip: canGzip } = variant ?? format
  if (gzip && !canGzip) {
    throw new AppError('BAD_ARGUMENT', `${format.name} as .${extension} is compressed already.`, {
      hint: 'Leave --gzip and .gz away.',
    })
  }
  return {
    copyOptions: canGzip ? `${copyOptions}, COMPRESSION ${gzip ? 'gzip' : 'none'}` : copyOptions,
    extension: gzip ? `${extension}.gz` : extension,
  }
}
