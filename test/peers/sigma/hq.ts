/** Rules of SigmaHQ, and records made from what each asks for: some that match, some that nearly do. */
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseRules } from '../../../src/detect/sigma/parse.ts'
import type { Pattern } from '../../../src/detect/sigma/pattern.ts'
import type { Item, RuleNode, Test } from '../../../src/detect/sigma/tree.ts'
import type { Chance } from '../../sigma/random-rules.ts'
import type { GroundRule, LogRecord } from './ground.ts'

/** The detection rules of a folder or .tar.gz. */
export function rulesIn(path: string): GroundRule[] {
  const scratch = mkdtempSync(join(tmpdir(), 'sigmahq-'))
  try {
    const isFolder = statSync(path).isDirectory()
    if (!isFolder && spawnSync('tar', ['xzf', path, '-C', scratch]).status !== 0)
      throw new Error(`tar cannot read ${path}`)
    const folder = isFolder ? path : scratch
    return globSync('**/*.{yml,yaml}', { cwd: folder })
      .sort()
      .flatMap((file) => {
        const text = readFileSync(join(folder, file), 'utf8')
        const { rules } = parseRules(text, file)
        const [rule] = rules
        return rules.length === 1 && rule?.kind === 'detection' ? [{ text, rule }] : []
      })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Records for a rule: two with everything it asks for, one that lacks a field, one with another value. */
export function recordsFor({ rule }: GroundRule, chance: Chance): LogRecord[] {
  const whole = () => filled(itemsToMeet(rule.tree, chance), chance)
  const lacking = whole()
  const other = whole()
  const names = Object.keys(lacking)
  const name = names.length === 0 ? undefined : chance.one(names)
  return [
    whole(),
    whole(),
    Object.fromEntries(Object.entries(lacking).filter(([each]) => each !== name)),
    name === undefined ? other : { ...other, [name]: 'something else' },
  ]
}

/** Items that should hold: all of an `and`, one of an `or`; what is negated now and then. */
function itemsToMeet(node: RuleNode, chance: Chance): Item[] {
  if (node.kind === 'item') return [node]
  if (node.kind === 'selection') return itemsToMeet(node.node, chance)
  if (node.kind === 'not') return chance.often(0.2) ? itemsToMeet(node.node, chance) : []
  if (node.kind === 'and') return node.nodes.flatMap((each) => itemsToMeet(each, chance))
  return node.nodes.length === 0 ? [] : itemsToMeet(chance.one(node.nodes), chance)
}

/** Names with dots stay as they are: both sides look for such a member first. */
function filled(items: readonly Item[], chance: Chance): LogRecord {
  const record: Record<string, unknown> = {}
  for (const { field, values, link } of items) {
    const tests = link === 'all' ? values.map((each) => each[0]) : [chance.one(values)?.[0]]
    const texts = tests.flatMap((test) => (test === undefined ? [] : (valueFor(test) ?? [])))
    if (texts.length === 0) continue
    const name = field ?? 'message'
    record[name] =
      texts.length === 1 && record[name] === undefined
        ? texts[0]
        : [record[name], ...texts].filter((each) => each !== undefined).join(' ')
  }
  return record
}

function valueFor(test: Test): unknown {
  switch (test.kind) {
    case 'text':
      return textOf(test.pattern)
    case 'number':
    case 'boolean':
      return typeof test.value === 'bigint' ? String(test.value) : test.value
    case 'compare':
      return Number(test.value) + (test.op.startsWith('lt') ? -1 : 1)
    case 'network':
      return test.network.version === 4
        ? [0, 2, 4, 6].map((at) => Number.parseInt(test.network.first.slice(at, at + 2), 16)).join('.')
        : undefined
    default:
      return undefined
  }
}

const PIECES = { any: 'zz', one: 'q', dash: '-' } as const

const textOf = (pattern: Pattern): string =>
  pattern.map((piece) => (piece.kind === 'text' ? piece.text : PIECES[piece.kind])).join('')
