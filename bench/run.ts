/** `npm run bench`: measures ingest against bare engines on the same files, and each budget. See docs/reference/benchmarks.md. */
import { rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { messageOf } from '../src/core/errors.ts'
import { type BenchOptions, readOptions, USAGE } from './options.ts'
import { killRunning } from './processes.ts'
import { budgets, markdown } from './report.ts'
import { measure, runFolder } from './rows.ts'

let options: BenchOptions | undefined
try {
  options = readOptions(process.argv.slice(2))
} catch (cause) {
  process.stderr.write(`${messageOf(cause)}\n${USAGE}`)
  process.exit(2)
}
if (options === undefined) process.stdout.write(USAGE)
else {
  await bench(options).catch((cause: unknown) => {
    process.stderr.write(`${messageOf(cause)}\n`)
    process.exitCode = 1
  })
}

async function bench(told: BenchOptions): Promise<void> {
  const folder = await runFolder()
  process.on('exit', () => {
    killRunning()
    if (!told.keep) rmSync(folder, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
  const rows = await measure(told, folder)
  process.stdout.write(markdown(rows))
  if (told.json !== undefined) {
    await writeFile(told.json, `${JSON.stringify({ options: told, rows, budgets: budgets(rows) }, null, 1)}\n`)
  }
}
