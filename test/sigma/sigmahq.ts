/**
 * Every rule of an archive or folder: parsed, compiled, and planned by the engine. Lists what is refused with the reason.
 *
 * Usage: node test/sigma/sigmahq.ts PATH   (a .tar.gz of rules, or a folder)
 */
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { messageOf } from '../../src/core/errors.ts'
import { problemText } from '../../src/core/yaml/place.ts'
import { parseRules } from '../../src/detect/sigma/parse.ts'
import type { DetectionRule } from '../../src/detect/sigma/rule.ts'
import { compileRules, matchSql } from '../../src/detect/sql/compile.ts'
import { duckdb } from '../../src/detect/sql/duckdb.ts'
import { jsonShape } from '../../src/detect/sql/json-fields.ts'
import { Engine } from '../../src/engine/duckdb.ts'

/** The share of rules that may be refused. */
const MOST_REFUSED = 0.01

function folderOf(path: string, scratch: string): string {
  if (statSync(path).isDirectory()) return path
  const { status, stderr } = spawnSync('tar', ['xzf', path, '-C', scratch], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`tar could not read ${path}: ${stderr}`)
  return scratch
}

/** What the engine says against a rule; undefined if it plans it. */
async function planFault(engine: Engine, rule: DetectionRule): Promise<string | undefined> {
  const shape = jsonShape(duckdb, new Set())
  try {
    const sql = matchSql(compileRules([rule], shape, duckdb), { relation: 'records' }, shape, duckdb)
    await engine.rows(`EXPLAIN ${sql}`)
    return undefined
  } catch (cause) {
    return messageOf(cause)
  }
}

async function run(path: string): Promise<boolean> {
  const scratch = mkdtempSync(join(tmpdir(), 'sigma-'))
  const engine = await Engine.open({ threads: 1 })
  try {
    await engine.run('CREATE TABLE records (record BIGINT, json JSON)')
    const folder = folderOf(path, scratch)
    const refused: string[] = []
    const seen = { files: 0, rules: 0, others: 0, warnings: 0 }
    for (const file of globSync('**/*.{yml,yaml}', { cwd: folder })) {
      seen.files++
      const { rules, problems } = parseRules(readFileSync(join(folder, file), 'utf8'), relative('.', file))
      refused.push(...problems.filter(({ severity }) => severity === 'error').map(problemText))
      seen.warnings += problems.filter(({ severity }) => severity === 'warning').length
      for (const rule of rules) {
        if (rule.kind !== 'detection') {
          seen.others++
          continue
        }
        seen.rules++
        const fault = await planFault(engine, rule)
        if (fault !== undefined) refused.push(`${file}: the engine refuses it: ${fault}`)
      }
    }
    for (const line of refused) console.log(line)
    const all = seen.rules + seen.others + refused.length
    console.log(
      `${seen.files} files, ${seen.rules} detection rules and ${seen.others} others read, ${refused.length} refused (${((100 * refused.length) / all).toFixed(2)} %), ${seen.warnings} warnings`,
    )
    return all > 0 && refused.length <= all * MOST_REFUSED
  } finally {
    engine.close()
    rmSync(scratch, { recursive: true, force: true })
  }
}

const [path] = process.argv.slice(2)
if (path === undefined) {
  console.error('Name an archive or a folder of rules.')
  process.exitCode = 2
} else if (!(await run(path))) process.exitCode = 1
