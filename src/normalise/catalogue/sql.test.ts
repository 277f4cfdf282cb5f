import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { catalogue, services } from './catalogue.ts'
import { VERB_OF_WORD } from './fallback.ts'
import { fallbackSql, loadCatalogue, withTargetsSql } from './sql.ts'
import { planNumbers } from './targets.ts'
import { unknownActionsSql } from './unknown.ts'
import { VERBS } from './vocabulary.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
  await loadCatalogue(engine)
})
afterAll(() => engine.close())

describe('the table', () => {
  it('has every action once under every spelling', async () => {
    const { rows, pairs, folded } = await engine.row(`SELECT count(*)::INTEGER AS rows,
        count(DISTINCT (service_lower, action))::INTEGER AS pairs,
        count(DISTINCT (service_lower, action_lower))::INTEGER AS folded FROM catalogue_actions`)
    expect(pairs).toBe(rows)
    expect(folded).toBe(rows)
    expect(Number(rows)).toBeGreaterThan(catalogue().length)
  })

  it('says of an action what its entry says, by an alias too', async () => {
    const rows = await engine.rows(`SELECT * EXCLUDE (target_plan, override) FROM catalogue_actions
      WHERE service_lower = 'unitycatalog' AND action_lower LIKE 'deltasharingqueriedtable%' AND action_lower NOT LIKE '%changes'
      ORDER BY action`)
    expect(rows.map(({ action }) => action)).toEqual(['deltaSharingQueriedTable', 'deltaSharingQueriedTables'])
    const same = {
      service_lower: 'unitycatalog',
      category: 'data_access',
      verb: 'complete',
      key_event: 'data_access',
      uam_action: 'EXECUTE',
      uam_target_type: 'DATASOURCE',
      ocsf_class_uid: 6005,
      ocsf_activity_id: 4,
    }
    for (const row of rows) expect(row).toMatchObject(same)
  })

  it('is replaced, not doubled, when loaded again', async () => {
    const count = () => engine.row('SELECT count(*)::INTEGER AS n FROM catalogue_actions')
    const before = await count()
    await loadCatalogue(engine)
    expect(await count()).toEqual(before)
  })

  it('numbers the plans as the expression knows them', async () => {
    const known = [...planNumbers().values()]
    const used = await engine.rows(
      'SELECT DISTINCT target_plan AS n FROM catalogue_actions WHERE target_plan IS NOT NULL',
    )
    expect(used.map(({ n }) => Number(n)).sort((a, b) => a - b)).toEqual(known)
    const empty = `(SELECT MAP {}::MAP(VARCHAR, VARCHAR) AS params, NULL::VARCHAR AS result, n FROM range(0, ${known.length + 2}) t(n))`
    const none = withTargetsSql(empty, { params: 'params', result: 'result' }, 'n')
    const found = await engine.rows(`SELECT count(*)::INTEGER AS n FROM (${none}) WHERE len(targets) > 0`)
    expect(found).toEqual([{ n: 0 }])
  })
})

describe('an action that is not listed', () => {
  const said = async (service: string, action: string): Promise<unknown[]> => {
    const { category, verb } = fallbackSql('s', 'a')
    const row = await engine.row(
      `SELECT ${category} AS category, ${verb} AS verb FROM (SELECT ${lit(service)} AS s, ${lit(action)} AS a)`,
    )
    return [row.category, row.verb]
  }

  it('has the category of its service, whatever the case, or none', async () => {
    expect(await said('UNITYCATALOG', 'getGadget')).toEqual(['catalog', 'read'])
    expect(await said('partnerHub', 'deleteGadget')).toEqual(['integration', 'delete'])
    expect(await said('gadgets', 'polish')).toEqual(['unknown', 'unknown'])
    for (const { service, category } of services()) expect((await said(service, 'x'))[0]).toBe(category)
  })

  it('has the verb of the first word of its name', async () => {
    const verbs = await Promise.all(
      ['listGadgets', 'CREATE', 'UpdateGadget', 'getaway', 'spaceLogin', 'changeGadgetAcl', 'changeGadget', ''].map(
        async (action) => (await said('x', action))[1],
      ),
    )
    expect(verbs).toEqual(['list', 'create', 'update', 'unknown', 'login', 'grant', 'update', 'unknown'])
  })

  it('gets only verbs of the closed list', () => {
    const names = VERBS.map(({ name }) => name)
    expect(Object.values(VERB_OF_WORD).filter((verb) => !names.includes(verb))).toEqual([])
  })

  it('is counted, with when it was first and last seen', async () => {
    const events = `(SELECT * FROM (VALUES
      ('jobs', 'runNow', TIMESTAMPTZ '2026-01-01 00:00:00Z'),
      ('Jobs', 'RUNNOW', TIMESTAMPTZ '2026-01-01 00:00:00Z'),
      ('unityCatalog', 'deltaSharingQueriedTables', TIMESTAMPTZ '2026-01-01 00:00:00Z'),
      ('jobs', 'polishRun', TIMESTAMPTZ '2026-01-02 03:04:05.678Z'),
      ('JOBS', 'polishRun', TIMESTAMPTZ '2026-01-04 00:00:00Z'),
      ('gadgets', 'createGadget', TIMESTAMPTZ '2026-01-03 00:00:00Z')) t(service, action, event_time))`
    expect(await engine.rows(unknownActionsSql(events))).toEqual([
      {
        service: 'JOBS',
        action: 'polishRun',
        events: '2',
        firstSeen: '2026-01-02T03:04:05.678Z',
        lastSeen: '2026-01-04T00:00:00.000Z',
        category: 'job',
        verb: 'unknown',
      },
      {
        service: 'gadgets',
        action: 'createGadget',
        events: '1',
        firstSeen: '2026-01-03T00:00:00.000Z',
        lastSeen: '2026-01-03T00:00:00.000Z',
        category: 'unknown',
        verb: 'create',
      },
    ])
  })
})
