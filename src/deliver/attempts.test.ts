import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Circuit, WAITS, waitMs } from './attempts.ts'

describe('waits', () => {
  it('double from the first to the most, and are never less than half of that', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, chance) => {
          const wait = waitMs(failures, WAITS, () => chance)
          const full = Math.min(300_000, 1000 * 2 ** (failures - 1))
          return wait >= full / 2 && wait <= full
        },
      ),
    )
  })

  it('differ from one destination to the other', () => {
    expect(new Set(Array.from({ length: 50 }, () => waitMs(6))).size).toBeGreaterThan(30)
  })
})

describe('a circuit', () => {
  const fails = (circuit: Circuit, times: number, nowMs = 0) => {
    for (let n = 0; n < times; n++) circuit.failed('busy', nowMs)
  }

  it('lets everything through until something fails', () => {
    const circuit = new Circuit()
    expect([circuit.mayBegin(0), circuit.mayBegin(0), circuit.isOpen]).toEqual([true, true, false])
  })

  it('waits at least as long as it was told to', () => {
    const circuit = new Circuit(WAITS, () => 0)
    circuit.failed('busy', 1000, 60_000)
    expect([circuit.mayBegin(60_999), circuit.mayBegin(61_000)]).toEqual([false, true])
  })

  it('opens after five failures in a row and then tries one at a time', () => {
    const circuit = new Circuit(WAITS, () => 0)
    fails(circuit, 5)
    const { readyMs } = circuit
    expect([circuit.isOpen, circuit.mayBegin(readyMs), circuit.mayBegin(readyMs)]).toEqual([true, true, false])
    circuit.ended()
    expect(circuit.mayBegin(readyMs)).toBe(true)
  })

  it('closes with the first success', () => {
    const circuit = new Circuit()
    fails(circuit, 9)
    circuit.succeeded()
    expect([circuit.isOpen, circuit.failures, circuit.reason, circuit.mayBegin(0)]).toEqual([false, 0, undefined, true])
  })
})
