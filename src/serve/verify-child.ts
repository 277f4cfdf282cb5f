/** The process of a verification. It reads files and nothing else. */
import { setPriority } from 'node:os'
import { verifyHome } from '../seal/verify.ts'
import { answerTask } from './tasks/child.ts'

/** How far it is, 0 to 1. */
export interface VerifyProgress {
  readonly done: number
}

/** What came of it. */
export interface VerifyAnswer {
  readonly ok: boolean
  readonly findings: readonly { readonly kind: string; readonly where: string; readonly what: string }[]
  readonly checked: Readonly<Record<string, number>>
}

/** Findings that are shown: the first says what to do, and the command line has all. */
const FINDINGS_SENT = 200

/** Who waits for a page goes first. */
const NICENESS = 10

/** The log itself is a small part of the work, and checked first. */
const SHARE_OF_LEAVES = 0.1

/** Progress is told at most so often. */
const TOLD_EVERY_MS = 200

setPriority(NICENESS)
answerTask<{ readonly home: string }, VerifyAnswer, VerifyProgress>(async ({ home }, tell) => {
  let toldMs = 0
  const report = await verifyHome(home, {
    onProgress: (done, total, what) => {
      if (performance.now() - toldMs < TOLD_EVERY_MS) return
      toldMs = performance.now()
      const share = total > 0 ? Math.min(1, done / total) : 1
      tell({ done: what === 'leaves' ? share * SHARE_OF_LEAVES : SHARE_OF_LEAVES + share * (1 - SHARE_OF_LEAVES) })
    },
  })
  const findings = report.findings.slice(0, FINDINGS_SENT).map(({ kind, where, what }) => ({ kind, where, what }))
  return { ok: report.ok, findings, checked: { ...report.checked } }
})
