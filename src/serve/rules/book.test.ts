import { describe, expect, it } from 'vitest'
import { loadPack } from '../../detect/pack/load.ts'
import { techniqueNamed } from './attack-names.ts'
import { bookOf } from './book.ts'

const pack = await loadPack({ settingsFile: '/nowhere/detect.yaml', examples: false, product: 'databricks' })
const book = bookOf(pack, '/nowhere/detect.yaml')

describe('the book of the shipped rules', () => {
  it('has every rule that makes findings, under a path that tells nothing of the machine', () => {
    expect(book.rules).toHaveLength(pack.rules.filter(({ feeds }) => !feeds).length)
    expect(book.rules.filter(({ file }) => !/^rules\/[\w-]+\/[\w-]+\.yml$/.test(file))).toEqual([])
    expect(book.errors).toEqual([])
  })

  it('calls each rule by a name of its own', () => {
    const names = book.rules.map(({ settingsName }) => settingsName)
    expect(new Set(names).size).toBe(names.length)
  })

  it('names each technique, and finds it a tactic that one of its rules is tagged with', () => {
    const techniques = [...new Set(book.rules.flatMap((rule) => rule.techniques))]
    expect(techniques.filter((id) => techniqueNamed(id) === undefined)).toEqual([])
    const placed = new Set(book.tactics.flatMap((tactic) => tactic.techniques.map(({ id }) => id)))
    expect(techniques.filter((id) => !placed.has(id))).toEqual([])
  })

  it('counts no rule for a technique that it is not tagged with', () => {
    const byId = new Map(book.rules.map((rule) => [rule.id, rule]))
    const wrong = book.tactics.flatMap((tactic) =>
      tactic.techniques.flatMap(({ id, rules }) => rules.filter((rule) => !byId.get(rule)?.techniques.includes(id))),
    )
    expect(wrong).toEqual([])
  })

  it('crosses to another process as it is', () => {
    expect(structuredClone(book)).toEqual(book)
  })
})
