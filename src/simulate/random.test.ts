import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from './random.ts'

const drawn = (random: Random) => Array.from({ length: 20 }, () => random.next())

describe('a stream', () => {
  it('gives the same numbers for the same name, others for another', () => {
    expect(drawn(new Random('a'))).toEqual(drawn(new Random('a')))
    expect(drawn(new Random('a'))).not.toEqual(drawn(new Random('b')))
  })

  it('has numbers that stay as they are: every simulation ever labelled depends on them', () => {
    const random = new Random('bricktrail')
    expect([random.next(), random.next(), random.uuid(), random.digits(16)]).toMatchInlineSnapshot(`
      [
        415387662,
        2084703305,
        "9b780637-1645-4e36-80b0-49648c95fd12",
        "2400919798088815",
      ]
    `)
  })

  it('forks without being moved', () => {
    const [one, two] = [new Random('a'), new Random('a')]
    drawn(one.fork('child'))
    expect(drawn(one)).toEqual(drawn(two))
    expect(drawn(one.fork('x'))).not.toEqual(drawn(one.fork('y')))
  })
})

describe('draws', () => {
  it('stay in their range', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: -50, max: 50 }), fc.nat(100), (name, min, span) => {
        const random = new Random(name)
        const value = random.int(min, min + span)
        const part = random.float()
        return value >= min && value <= min + span && part >= 0 && part < 1
      }),
    )
  })

  it('make ids of the right shape', () => {
    const random = new Random('ids')
    for (let i = 0; i < 500; i++) {
      expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(random.hex(7)).toMatch(/^[0-9a-f]{14}$/)
      expect(random.digits(15)).toMatch(/^[1-9]\d{14}$/)
    }
  })

  it('sample without repeating, in the order of the list', () => {
    const list = Array.from({ length: 40 }, (_, i) => i)
    fc.assert(
      fc.property(fc.string(), fc.nat(60), (name, count) => {
        const chosen = new Random(name).sample(list, count)
        expect(chosen).toHaveLength(Math.min(count, 40))
        expect([...new Set(chosen)].sort((a, b) => a - b)).toEqual(chosen)
      }),
    )
  })

  it('weigh: nothing of weight 0 is drawn, and undefined when nothing has weight', () => {
    const random = new Random('weights')
    const counts = { a: 0, b: 0, c: 0 }
    for (let i = 0; i < 6000; i++) {
      const key = random.weighted(['a', 'b', 'c'] as const, (name) => ({ a: 2, b: 0, c: 1 })[name])
      if (key !== undefined) counts[key]++
    }
    expect(counts.b).toBe(0)
    expect(counts.a / counts.c).toBeCloseTo(2, 0)
    expect(random.weighted(['a'], () => 0)).toBeUndefined()
  })
})
