import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { derivedField } from './derived-fields.ts'
import { duckdb } from './duckdb.ts'
import { eventShape } from './event-fields.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 1 })
})
afterAll(() => engine.close())

async function days(params: Readonly<Record<string, string>>): Promise<unknown> {
  const field = eventShape(duckdb).field('derived.token_lifetime_days')
  const entries = Object.entries(params).map(([key, value]) => `${lit(key)}: ${lit(value)}`)
  const { days: found } =
    await engine.row(`SELECT ${field?.sql} AS days FROM (SELECT *, ${duckdb.mapFoldedKeys('request_params')} AS param_keys
    FROM (SELECT TIMESTAMPTZ '2026-11-02 11:00:00Z' AS event_time, MAP {${entries.join(', ')}}::MAP(VARCHAR, VARCHAR) AS request_params))`)
  return found
}

describe('the lifetime of a token', () => {
  it.each([
    [{ tokenExpirationTime: '1793185200000' }, -5],
    [{ tokenExpirationTime: '1793660400000' }, 0.5],
    [{ tokenExpirationTime: '1793660400' }, 0.5],
    [{ token_expiration_time: '1798801200000' }, 60],
    [{ TOKENEXPIRATIONTIME: '1.7988012e12' }, 60],
    [{ tokenExpirationTime: '2026-12-27T11:00:00Z' }, 55],
  ])('of %j is %d days', async (params, expected) => {
    expect(await days(params)).toBeCloseTo(expected, 6)
  })

  it.each([
    [{ tokenExpirationTime: '-1' }],
    [{ tokenExpirationTime: '0' }],
    [{ tokenExpirationTime: '' }],
    [{ tokenExpirationTime: 'never' }],
    [{ userId: '7' }],
    [{}],
  ])('of %j is nothing', async (params) => {
    expect(await days(params)).toBeNull()
  })

  it('is found by its name in any case, and no other derived name is', () => {
    expect(derivedField('Derived.Token_Lifetime_Days', duckdb)).toBeDefined()
    expect(derivedField('derived.token_lifetime', duckdb)).toBeUndefined()
  })
})
