/** A thread that digests files for the verifier. It gets numbered lists of jobs, and answers each by its number. */
import { parentPort } from 'node:worker_threads'
import { digestFile } from './digest.ts'
import type { DigestJob, DigestResult } from './digest-job.ts'

/** Jobs of a thread, and the number to answer them by. */
export interface JobList {
  readonly number: number
  readonly jobs: readonly DigestJob[]
}

/** What came of them, in their order. */
export interface ResultList {
  readonly number: number
  readonly results: readonly DigestResult[]
}

async function answer({ number, jobs }: JobList): Promise<void> {
  const results: DigestResult[] = []
  for (const job of jobs) results.push(await digestFile(job))
  parentPort?.postMessage({ number, results } satisfies ResultList)
}

// One list after the other: some files are streams, and of those no more than one is to be in memory.
let last: Promise<void> = Promise.resolve()
parentPort?.on('message', (list: JobList) => {
  last = last.then(() => answer(list))
})
