/** `npm run test:peers`: installs the peers, runs every `*.peer.ts` as a process of its own, and counts its checks. */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { installPeers } from './install.ts'

/** Ample for a peer on a busy machine; one that hangs must not hang the build. */
const PEER_TIMEOUT_MS = 15 * 60_000

interface Count {
  passed: number
  failed: number
}

/** Runs one peer; each of its lines that begins with `ok` or `not ok` is a check, and dying is a failure. */
async function runPeer(file: string): Promise<Count> {
  const count = { passed: 0, failed: 0 }
  process.stdout.write(`# ${file}\n`)
  const child = spawn(process.execPath, [join(import.meta.dirname, file)], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: PEER_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  for await (const line of createInterface({ input: child.stdout })) {
    process.stdout.write(`${line}\n`)
    if (line.startsWith('ok ')) count.passed += 1
    if (line.startsWith('not ok ')) count.failed += 1
  }
  const code = await ended
  if (count.failed === 0 && (code !== 0 || count.passed === 0)) {
    process.stdout.write(`not ok ${file} ended with ${code ?? child.signalCode} after ${count.passed} checks\n`)
    count.failed += 1
  }
  return count
}

const total: Count = { passed: 0, failed: 0 }
const wanted = process.argv.slice(2)
const peers = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.peer.ts') && (wanted.length === 0 || wanted.some((part) => name.startsWith(part))))
  .sort()
await installPeers(import.meta.dirname)
for (const file of peers) {
  const { passed, failed } = await runPeer(file)
  total.passed += passed
  total.failed += failed
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`)
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1)
