/** The checks of a peer: rules and records by chance, and the differences that are known. */

import { parseRules } from '../../../src/detect/sigma/parse.ts'
import type { DetectionRule } from '../../../src/detect/sigma/rule.ts'
import { Chance } from '../../sigma/random-rules.ts'
import { check, same } from '../check.ts'
import { ask, type Program } from './answers.ts'
import {
  differences,
  type Extent,
  foundBySql,
  foundPlainly,
  type GroundRule,
  type LogRecord,
  recordByChance,
  ruleByChance,
} from './ground.ts'
import { recordsFor, rulesIn } from './hq.ts'

const SEEDS = (process.env.SIGMA_SEEDS ?? '1,2,3').split(',').map(Number)
const RULES = 150
const RECORDS = 200

/** One rule and record that two evaluators do not agree about, and why this project reads it as it does. */
export interface Difference {
  /** Lines below `detection:`, without the condition `s`. */
  readonly detection: string
  readonly record: LogRecord
  readonly ours: boolean
  /** `refused`: the peer does not take the rule. */
  readonly theirs: boolean | 'refused'
  readonly reason: string
}

/** Compares on common ground. Where the peer is missing, SQL is held against the plain evaluator alone, and that is said. */
export async function compareByChance(
  name: string,
  peer: Program | { readonly missing: string },
  extent: Extent,
): Promise<void> {
  if ('missing' in peer) process.stdout.write(`# ${name} is left out: ${peer.missing}\n`)
  for (const seed of SEEDS) {
    const chance = new Chance(seed)
    const made = Array.from({ length: RULES }, (_, at) => ruleByChance(chance, at, extent))
    const rules = made.filter((rule): rule is GroundRule => rule !== undefined)
    const records = Array.from({ length: RECORDS }, () => recordByChance(chance, extent))
    const texts = rules.map(({ text }) => text)
    const ours = await foundBySql(
      rules.map(({ rule }) => rule),
      records,
    )
    await check(
      `SQL and the plain evaluator agree on ${rules.length} rules and ${RECORDS} records (seed ${seed})`,
      () => {
        same(ours.size > RULES * RECORDS * 0.05, true)
        same(differences(ours, foundPlainly(rules, records), texts, records).slice(0, 2), [])
      },
    )
    if ('missing' in peer) continue
    await check(`${name} and SQL agree on them (seed ${seed})`, async () => {
      const { found, refused } = await ask(peer, texts, records)
      same(refused, {})
      const differ = differences(ours, found, texts, records)
      same([differ.length, ...differ.slice(0, 2)], [0])
    })
  }
}

/** Checks that the list of known differences is true of both sides. */
export async function compareKnown(
  name: string,
  peer: Program | { readonly missing: string },
  known: readonly Difference[],
): Promise<void> {
  if ('missing' in peer) return
  const texts = known.map(({ detection }) => {
    const condition = detection.includes('condition:') ? '' : '\n  condition: s'
    return `title: T\nlogsource:\n  product: any\ndetection:\n  ${detection}${condition}\n`
  })
  const { found, refused } = await ask(
    peer,
    texts,
    known.map(({ record }) => record),
  )
  for (const [at, { detection, record, ours, theirs, reason }] of known.entries()) {
    await check(`${name} differs on ${JSON.stringify(detection)}: ${reason}`, async () => {
      const rules = parseRules(texts[at] ?? '', 't.yml').rules.filter((rule) => rule.kind === 'detection')
      same((await foundBySql(rules, [record])).size === 1, ours)
      same(refused[String(at)] === undefined ? found.has(`${at}/${at}`) : 'refused', theirs)
    })
  }
}

/**
 * Compares the rules of a folder over records made for them.
 *
 * @param otherwise why the peer is known to read a rule in another way; such rules are counted by reason and left out
 */
export async function compareRulesOf(
  name: string,
  peer: Program,
  path: string,
  otherwise: (rule: DetectionRule) => string | undefined,
): Promise<void> {
  const all = rulesIn(path)
  const left = Map.groupBy(all, ({ rule }) => otherwise(rule))
  const rules = left.get(undefined) ?? []
  for (const [reason, some] of left)
    if (reason !== undefined) process.stdout.write(`# ${some.length} left out: ${reason}\n`)
  const chance = new Chance(1)
  const records = rules.flatMap((rule) => recordsFor(rule, chance))
  const texts = rules.map(({ text }) => text)
  const ours = await foundBySql(
    rules.map(({ rule }) => rule),
    records,
  )
  const { found, refused } = await ask(peer, texts, records)
  await check(
    `${name} and SQL agree on ${rules.length} of ${all.length} rules of ${path} and ${records.length} records`,
    () => {
      process.stdout.write(`# ${ours.size} matches\n`)
      same(refused, {})
      same(ours.size > rules.length / 2, true)
      const differ = differences(ours, found, texts, records)
      same([differ.length, ...differ.slice(0, 3)], [0])
    },
  )
}
