/** A thread that digests files for the verifier. It gets lists of jobs and answers each list with its results. */
import { parentPort } from 'node:worker_threads'
import { type DigestJob, type DigestResult, digestFile } from './digest.ts'

parentPort?.on('message', async (jobs: readonly DigestJob[]) => {
  const results: DigestResult[] = []
  for (const job of jobs) results.push(await digestFile(job))
  parentPort?.postMessage(results)
})
