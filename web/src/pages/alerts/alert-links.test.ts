import { describe, expect, it } from 'vitest'
import { attackUrl, entityPageOf, eventsOf, searchFor } from './alert-links.ts'

const TIMES = { firstTime: '2026-11-22T11:00:00.000Z', lastTime: '2026-11-22T12:00:00.000Z' }

describe('links of an alert', () => {
  it('lead to the events of an actor, with the last one', () => {
    const url = new URL(
      eventsOf({ entity: { field: 'actor.email', value: 'ana@example.com' }, ...TIMES }) ?? '',
      'http://x',
    )
    expect(url.pathname).toBe('/events')
    expect(url.searchParams.get('q')).toBe('actor:ana@example.com')
    expect(url.searchParams.get('from')).toBe(TIMES.firstTime)
    expect(url.searchParams.get('to')).toBe('2026-11-22T12:00:00.001Z')
  })

  it('look for a parameter by its text, and for nothing where there is no field', () => {
    expect(searchFor({ field: 'request_params.tokenId', value: 'abc 1' })).toBe('"abc 1"')
    expect(searchFor({ field: 'account_id', value: 'a' })).toBeNull()
    expect(searchFor({ field: 'actor.email', value: '' })).toBeNull()
  })

  it('lead to pages of people, addresses and things', () => {
    expect(entityPageOf({ field: 'source_ip', value: '2001:db8::1' })).toBe('/entities/ip/2001%3Adb8%3A%3A1')
    expect(entityPageOf({ field: 'request_params.targetUserName', value: 'bo@example.com' })).toBe(
      '/entities/actor/bo%40example.com',
    )
    expect(entityPageOf({ field: 'targets.name', value: 'main/hr' })).toBe('/entities/target/main%2Fhr')
    expect(entityPageOf({ field: 'action', value: 'login' })).toBeNull()
  })

  it('name techniques, and nothing else', () => {
    expect(attackUrl('attack.t1078.004')).toBe('https://attack.mitre.org/techniques/T1078/004/')
    expect(attackUrl('attack.t1485')).toBe('https://attack.mitre.org/techniques/T1485/')
    expect(attackUrl('attack.impact')).toBeNull()
    expect(attackUrl('attack.t1485/../../evil')).toBeNull()
  })
})
