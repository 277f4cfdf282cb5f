/**
 * Expected failures are values. A function that can fail in a way its caller must handle returns `Result`; it throws
 * only for bugs.
 */
import { type AppError, isAppError } from './errors.ts'

/** Either a value or an {@link AppError}; test `ok` before reading the other field. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: AppError }

/** Wraps a value as a success. */
export const ok = <T>(value: T): Result<T> => ({ ok: true, value })

/** Wraps an error as a failure. */
export const err = (error: AppError): Result<never> => ({ ok: false, error })

/** The value of a success; throws the error of a failure. For the edges (CLI, tests) where failure ends the work. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw result.error
}

/** Runs `work` and turns a thrown {@link AppError} into a failure; anything else is a bug and goes on up. */
export async function attempt<T>(work: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await work())
  } catch (cause) {
    if (isAppError(cause)) return err(cause)
    throw cause
  }
}
