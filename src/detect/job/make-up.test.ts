import { createHash } from 'node:crypto'
import { copyFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BaselineRule, PackRule } from '../pack/pack.ts'
import type { DetectionRule } from '../sigma/rule.ts'
import { DetectBench } from './home.fixture.ts'
import { detectOver, FOUND } from './over.ts'
import { eventTable, MANY_RULES, type PlainEvent, packOf } from './pack.fixture.ts'
import { stateFile } from './state-file.ts'

let bench: DetectBench
beforeEach(async () => {
  bench = await DetectBench.open()
})
afterEach(() => bench.close())

const at = (action: string, ...secs: readonly number[]): PlainEvent[] =>
  secs.map((sec) => ({ id: `${action}-${String(sec).padStart(6, '0')}`, secs: sec, action }))

const first = [...at('login', 0, 60, 120, 180), ...at('read', 200, 210, 220), ...at('drop', 30), ...at('grant', 300)]
const second = [...at('login', 240), ...at('drop', 600)]

const whole = { ...packOf(MANY_RULES), problems: [] }

/** The rules, of which some are changed so that they cannot be run; as another version of theirs, or as the same. */
const broken = (isBroken: (key: string) => boolean, version = 'broken') => {
  const bad = packOf(MANY_RULES.replaceAll(/actionName: (\w+)/g, 'actionName|re: "$1[b-a]"'), version).rules
  const rules = whole.rules.map((rule): PackRule => {
    const other = bad.find(({ key }) => key === rule.key)
    if (!isBroken(rule.key) || other === undefined) return rule
    if (other.rule.kind !== 'correlation') return other
    return { ...other, rule: { ...other.rule, type: 'value_percentile', percentile: 500, bounds: [] } }
  })
  return { rules, problems: [] }
}

async function inOneGo(events: readonly PlainEvent[]) {
  await detectOver(bench.engine, whole, await eventTable(bench.engine, 'closed', events))
  return bench.engine.rows(
    `SELECT * EXCLUDE (revision, detected_time, evidence) FROM ${FOUND} ORDER BY title, entity, first_time`,
  )
}

const twice = async () =>
  bench.engine.rows(`SELECT finding_id, revision FROM (${await bench.toldSql()}) GROUP BY ALL HAVING count(*) > 1`)

describe('a rule that was left out of a batch', () => {
  it('because it was too slow finds the events of it afterwards, once', async () => {
    const slow = `title: slow\nname: slow\nlogsource: {}\ndetection:\n  s:\n    actionName: drop\n  t:\n    userIdentity.email|re: '(?:[0-7][0-9a-f]{22}[8-9]|[a-d][0-9a-f]{19}[e-f])[g-z]'\n  condition: s or t\nbricktrail: { entity: serviceName }\n`
    const pack = { ...packOf(slow), problems: [] }
    const hash = (text: string) => createHash('sha256').update(text).digest('hex')
    const long = Array.from({ length: 4000 }, (_, n) => hash(String(n))).join('')
    const noise = Array.from({ length: 10 }, (_, n) => ({
      id: `n${n}`,
      secs: n,
      action: 'other',
      who: `${n}${long.slice(n * 64)}`,
    }))
    await bench.add([...at('drop', 0, 10), ...noise])
    const cut = await bench.detect({}, { pack, timeoutSecs: 0.3 })
    expect(cut).toMatchObject({ findings: 0, leftOut: [{ key: 'slow', reason: 'too slow' }] })
    expect(await bench.detect({}, { pack })).toMatchObject({ events: 0, findings: 1, leftOut: [] })
    expect(await bench.told()).toMatchObject([
      { rule_id: 'slow', revision: 1, event_ids: ['drop-000000', 'drop-000010'] },
    ])
    await bench.add(at('drop', 20))
    expect(await bench.detect({}, { pack })).toMatchObject({ events: 1, findings: 1, leftOut: [] })
    expect((await bench.told()).map(({ revision, events }) => [revision, events])).toEqual([
      [1, '2'],
      [2, '3'],
    ])
  }, 60_000)

  it.each([
    ['of single events', (key: string) => ['alone', 'a', 'b'].includes(key)],
    ['that counts others', (key: string) => ['count', 'values', 'then'].includes(key)],
    ['of every kind', () => true],
  ])('%s makes up for it with what the others saw', async (_, isBroken) => {
    await bench.add(first)
    const cut = await bench.detect({}, { pack: broken(isBroken) })
    expect(cut.leftOut.length).toBeGreaterThan(1)
    expect(cut.leftOut.every(({ key, reason }) => isBroken(key) && reason === 'failed')).toBe(true)
    expect(await bench.detect()).toMatchObject({ events: 0, leftOut: [] })
    expect(await bench.standing()).toEqual(await inOneGo(first))
    await bench.add(second)
    expect(await bench.detect()).toMatchObject({ events: second.length, leftOut: [] })
    expect(await bench.standing()).toEqual(await inOneGo([...first, ...second]))
    expect(await bench.detect()).toMatchObject({ events: 0, findings: 0 })
    expect(await twice()).toEqual([])
  })

  it('and is a baseline compares it with its habits afterwards', async () => {
    const text = `title: Dropped\nname: dropped\nlogsource: {}\ndetection:\n  picked:\n    actionName: drop\n  condition: picked\n`
    const [drops] = packOf(text).rules
    if (drops?.rule.kind !== 'detection') throw new TypeError('It is a detection rule.')
    const { meta } = drops.rule
    const baseline = (version: string, more: Partial<BaselineRule>): { rules: PackRule[]; problems: [] } => ({
      rules: [
        {
          ...drops,
          key: 'habit',
          version,
          rule: {
            kind: 'baseline',
            meta: { ...meta, name: 'habit', title: 'habit' },
            logsource: {},
            type: 'first_seen',
            select: drops.rule as DetectionRule,
            by: ['actor.email'],
            value: ['sourceIPAddress'],
            learnSecs: 86_400,
            measure: 'count',
            threshold: {},
            ...more,
          },
        },
      ],
      problems: [],
    })
    const good = baseline('good', {})
    const tooLong = { type: 'spike', value: [], windowSecs: 3600, learnSecs: 999_999_999 * 604_800 } as const
    const events = Array.from({ length: 40 }, (_, n) => ({
      id: `e${n}`,
      secs: n * 7200,
      action: 'drop',
      ip: n < 35 || n > 37 ? '10.0.0.1' : '10.0.0.2',
    }))
    await bench.add(events.slice(0, 30))
    expect(await bench.detect({}, { pack: good })).toMatchObject({ findings: 0 })
    await bench.add(events.slice(30))
    const cut = await bench.detect({}, { pack: baseline('bad', tooLong) })
    expect(cut).toMatchObject({ findings: 0, leftOut: [{ key: 'habit' }] })
    expect(await bench.detect({}, { pack: good })).toMatchObject({ events: 0, findings: 1, leftOut: [] })
    expect(await bench.told()).toMatchObject([{ rule_id: 'habit', event_ids: ['e35'], revision: 1 }])
  })

  it('is told once where a crash comes before the state knows', async () => {
    await bench.add(first)
    await bench.detect({}, { pack: broken(() => true) })
    const kept = `${bench.folder}/kept.duckdb`
    await copyFile(stateFile(bench.home), kept)
    await bench.detect()
    const told = await bench.told()
    // As if the findings were committed and the state's own transaction was not; the number of the attempt is put down before both.
    await bench.engine.run(`ATTACH '${kept}' AS kept`)
    await bench.engine.run('UPDATE kept.missed SET attempt = 1')
    await bench.engine.run('DETACH kept')
    await copyFile(kept, stateFile(bench.home))
    await bench.detect()
    expect(await bench.told()).toEqual(told)
    await bench.add(second)
    await bench.detect()
    expect(await bench.standing()).toEqual(await inOneGo([...first, ...second]))
    expect(await twice()).toEqual([])
  })

  it('and fails over it three times more is given up, and said, until its text is another', async () => {
    const pack = broken((key) => key === 'alone')
    await bench.add(first)
    await bench.detect({}, { pack })
    const messages: string[] = []
    for (let run = 0; run < 4; run++) {
      const { leftOut } = await bench.detect({}, { pack })
      messages.push(leftOut.map(({ message }) => message).join())
    }
    expect(messages.map((text) => text.includes('not tried again on versions 0 to 0'))).toEqual([
      false,
      false,
      true,
      false,
    ])
    expect(messages[3]).toBe('')
    expect(await bench.detect()).toMatchObject({ findings: 1, leftOut: [] })
    expect(await bench.standing()).toEqual(await inOneGo(first))
  })

  it('does not lose what it missed when what is remembered is made again', async () => {
    await bench.add(first)
    await bench.detect({}, { pack: broken(() => true) })
    expect(await bench.detect({ rebuild: true })).toMatchObject({ rebuilt: 'asked', leftOut: [] })
    expect(await bench.standing()).toEqual(await inOneGo(first))
  })
})
