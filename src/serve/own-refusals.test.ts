import { expect, it, vi } from 'vitest'
import type { OwnRecord } from './own-record.ts'
import { RefusalCounts } from './own-refusals.ts'

it('tries again by itself what could not be written, though nobody else is refused', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  try {
    const refused: OwnRecord = {
      time: new Date(),
      action: 'searchEvents',
      requestId: 'r-1',
      address: '203.0.113.5',
      userAgent: 'Firefox',
      params: {},
      status: 401,
    }
    const written: OwnRecord[] = []
    let failures = 2
    const counts = new RefusalCounts(
      () => new Date(),
      async (record) => {
        failures -= 1
        if (failures >= 0) throw new Error('the disk is full')
        written.push(record)
      },
    )
    for (let n = 0; n < 12; n++) counts.toTell(refused)
    await vi.advanceTimersByTimeAsync(2 * 60_000)
    expect(written).toEqual([])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(written).toMatchObject([{ status: 401, params: { refusals: 2, neighbourhood: '203.0.113.0/24' } }])
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})
