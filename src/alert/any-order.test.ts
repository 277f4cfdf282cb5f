import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AlertsFile } from './alerts-file.ts'
import type { FindingRow } from './finding-feed.ts'
import { aFinding, NOON } from './findings.fixture.ts'
import { gather } from './gather.ts'
import { reckon } from './incidents.ts'
import { USUAL_RISK } from './risk.ts'

const WEEK_MS = 7 * 86_400_000
const LASTING = { quietAfterMs: { benign: 0, false_positive: 0 }, reopenMs: WEEK_MS, historyMs: WEEK_MS }
const CONTEXT = { lasting: LASTING, scores: USUAL_RISK, nowMs: NOON.getTime() }

/** What is left in the end. What was withdrawn left no trace but its history. */
function standing(pages: readonly (readonly FindingRow[])[]): unknown {
  const file = AlertsFile.open(':memory:')
  try {
    for (const page of pages)
      file.atOnce(() => {
        gather(file, page, CONTEXT)
        reckon(file, CONTEXT)
      })
    return {
      alerts: file.all(
        `SELECT id, kind, key, n, state, outcome, level, facts, first_ms, last_ms, findings, events, counted FROM alerts
         WHERE outcome IS NOT 'withdrawn' ORDER BY id`,
      ),
      risks: file.all('SELECT * FROM risks ORDER BY finding_id, kind, object'),
    }
  } finally {
    file.close()
  }
}

const TACTICS = ['persistence', 'exfiltration', 'discovery', 'impact']

const revision = fc.record({
  rule: fc.integer({ min: 0, max: 4 }),
  entity: fc.constantFrom('ana', 'Ana', 'bob'),
  level: fc.constantFrom('low', 'medium', 'high', 'critical'),
  hour: fc.integer({ min: 0, max: 240 }),
  events: fc.integer({ min: 1, max: 5 }),
  isGone: fc.boolean(),
})

/** Findings with up to three revisions each. */
const findings = fc
  .array(fc.array(revision, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .map((all) =>
    all.flatMap((revisions, at) =>
      revisions.map(({ rule, entity, level, hour, events, isGone }, index) => {
        const lastMs = NOON.getTime() - hour * 3_600_000
        return aFinding(`f${at}`, {
          revision: index + 1,
          ruleId: `rule-${rule}`,
          tags: [`attack.${TACTICS[rule % TACTICS.length]}`],
          level,
          entity,
          events,
          firstMs: lastMs - events * 60_000,
          lastMs,
          assets: [`table:t${rule % 2}`],
          supersededBy: isGone && index > 0 ? 'f0' : null,
        })
      }),
    ),
  )

/** The same, cut into pages. */
const pagesOf = (rows: readonly FindingRow[], cuts: readonly boolean[]): FindingRow[][] => {
  const pages: FindingRow[][] = [[]]
  rows.forEach((row, at) => {
    if (cuts[at % cuts.length] === true) pages.push([])
    pages.at(-1)?.push(row)
  })
  return pages
}

describe('the same findings', () => {
  it('make the same alerts and incidents in any order, and however they are cut into runs', () => {
    const cases = findings.chain((rows) =>
      fc.record({
        rows: fc.constant(rows),
        shuffled: fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length }),
        cuts: fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
      }),
    )
    fc.assert(
      fc.property(cases, ({ rows, shuffled, cuts }) => {
        expect(standing(pagesOf(shuffled, cuts))).toEqual(standing([rows]))
      }),
      { numRuns: 300, interruptAfterTimeLimit: 20_000 },
    )
  }, 30_000)

  it('change nothing when they come again', () => {
    fc.assert(
      fc.property(findings, fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), (rows, cuts) => {
        expect(standing([...pagesOf(rows, cuts), rows, [...rows].reverse()])).toEqual(standing([rows]))
      }),
      { numRuns: 100, interruptAfterTimeLimit: 20_000 },
    )
  }, 30_000)
})
