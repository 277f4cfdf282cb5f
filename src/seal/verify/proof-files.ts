/** Proof files that lie in a folder which is verified. */
import { join } from 'node:path'
import { proofsIn } from './folder-kind.ts'
import { bytesOf } from './log-files.ts'
import { type VerifyProofOptions, verifyProof } from './proof.ts'
import type { FindingKind, Findings } from './report.ts'

/** A proof holds one row and some hundred hashes. */
const PROOF_LIMIT_BYTES = 64 << 20

/**
 * Verifies every proof file right in a folder.
 *
 * @param isUnsure kinds of findings that are only told as not checked: in a home, a proof of another log is nobody's fault
 * @returns cosignatures they have, which say nothing about any other checkpoint
 */
export function checkProofFiles(
  folder: string,
  options: VerifyProofOptions,
  findings: Findings,
  isUnsure: (kind: FindingKind) => boolean,
): number {
  let cosignatures = 0
  for (const name of proofsIn(folder)) {
    const bytes = bytesOf(join(folder, name), PROOF_LIMIT_BYTES)
    const report = verifyProof(bytes ?? '', options)
    for (const { kind, where, what } of report.findings) {
      if (isUnsure(kind)) findings.skip(`The proof ${name} is not about what was verified here: ${what}`)
      else findings.add(kind, name, `${where}: ${what}`)
    }
    findings.checked.proofs += report.checked.proofs
    cosignatures += report.checked.cosignatures
  }
  return cosignatures
}
