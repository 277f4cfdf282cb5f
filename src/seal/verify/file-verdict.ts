/** From the digest of a file to what is said about it. */
import type { DigestResult } from './digest-job.ts'
import type { Findings } from './report.ts'

/** A file as it was sealed, and how to call it. */
export interface Sealed {
  /** Path in the home. */
  readonly where: string
  /** Beginning of a sentence. */
  readonly what: string
  readonly bytes: number
  readonly sha256: string
  readonly leaf: number
}

/** Notes what is wrong with a file; true if nothing is. */
export function noteDigest(findings: Findings, result: DigestResult, sealed: Sealed): boolean {
  const { where, what, bytes, sha256, leaf } = sealed
  const since = `sealed by leaf ${leaf}`
  if (result.kind === 'absent') findings.add('missing', where, `${what} ${since} is missing.`, leaf)
  else if (result.kind === 'resized') {
    findings.add('changed', where, `${what} ${since} has ${result.bytes} bytes now, and had ${bytes}.`, leaf)
  } else if (result.kind === 'unreadable') {
    findings.add('unverifiable', where, `${what} ${since} cannot be read: ${result.why}.`, leaf)
  } else if (result.file.sha256 !== sha256 || result.file.bytes !== bytes) {
    findings.add('changed', where, `${what} ${since} has another SHA-256 now: ${result.file.sha256}.`, leaf)
  } else return true
  return false
}
