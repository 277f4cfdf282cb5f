import { expect, it } from 'vitest'
import { Rooms } from './rooms.ts'

it('rooms are lent to one at a time, and again', async () => {
  const rooms = new Rooms(7)
  const [one, other] = await Promise.all([rooms.lend(async (room) => room), rooms.lend(async (room) => room)])
  expect([one.length, other.length]).toEqual([7, 7])
  expect(one).not.toBe(other)
  await expect(rooms.lend(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  const again = await rooms.lend(async (room) => room)
  expect([one, other]).toContain(again)
})
