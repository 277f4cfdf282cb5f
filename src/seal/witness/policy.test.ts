import { describe, expect, it } from 'vitest'
import { KEY_TYPES } from '../note.ts'
import { distinctLogs, logKey, logsOfPolicy } from './policy.ts'
import { keyOf } from './signed-log.fixture.ts'

const ONE = keyOf('example.com/one', 1)
const TWO = keyOf('example.com/two', 2)
const WITNESS = keyOf('witness.example', 3, KEY_TYPES.cosignature)

describe('the policy of a witness', () => {
  it('is its log lines; what C2SP writes about witnesses and quorums is passed by', () => {
    const text = `# logs of our customers\n\n log\t${ONE.vkey}  https://one.example/seal\n\twitness W ${WITNESS.vkey}\ngroup g any W\nquorum g\nlog ${TWO.vkey}`
    expect(logsOfPolicy(text).map(({ name }) => name)).toEqual(['example.com/one', 'example.com/two'])
  })

  it.each([
    ['an unknown word', 'allow x', 'BAD_ARGUMENT'],
    ['a log without a key', 'log', 'BAD_ARGUMENT'],
    ['too many words', `log ${ONE.vkey} a b`, 'BAD_ARGUMENT'],
    ['a key that is none', 'log nonsense', 'BAD_KEY'],
    ['a key that was altered', `log ${ONE.vkey.replace('one', 'two')}`, 'BAD_KEY'],
    ['the key of a witness', `log ${WITNESS.vkey}`, 'BAD_KEY'],
  ])('is refused with %s', (_, line, code) => {
    expect(() => logsOfPolicy(line)).toThrow(expect.objectContaining({ code }))
  })

  it('needs a log, and names none twice', () => {
    const [one, two] = [logKey(ONE.vkey), logKey(TWO.vkey)]
    expect(distinctLogs([one, two])).toHaveLength(2)
    expect(() => distinctLogs([])).toThrow(/at least one log/)
    expect(() => distinctLogs([one, two, one])).toThrow(/given twice/)
    expect(() => distinctLogs([one, logKey(keyOf('example.com/again', 1).vkey)])).toThrow(/given twice/)
  })
})
