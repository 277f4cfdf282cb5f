/**
 * The condition of a detection: `selection and not 1 of filter_*`. Least binding first: or, and, not, x of, parentheses.
 */
import { Fault } from './fault.ts'

/** A condition as written, before names are looked up. */
export type Condition =
  | { readonly kind: 'name'; readonly name: string; readonly offset: number }
  | { readonly kind: 'of'; readonly how: 'any' | 'all'; readonly pattern: string; readonly offset: number }
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly Condition[] }
  | { readonly kind: 'not'; readonly node: Condition }

interface Token {
  readonly text: string
  readonly offset: number
}

/** Parentheses and `not` within one another deeper than this are no condition; reading them goes down by calls. */
const DEEPEST = 64

const HINT = 'A condition is made of names of selections, and, or, not, parentheses, "1 of x*" and "all of x*".'

/** Reads a condition; throws {@link Fault}. */
export function readCondition(text: string): Condition {
  const reader = new Reader(tokensOf(text), text.length)
  return reader.all()
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  const pattern = /\s+|[()|]|[^\s()|]+/g
  for (const match of text.matchAll(pattern)) {
    const [token] = match
    if (token.trim() === '') continue
    if (token === '|') {
      throw new Fault(
        'Counting behind a | was part of Sigma 1.',
        'Write a correlation rule of type event_count or value_count.',
        match.index,
      )
    }
    if (!/^([()]|[\p{L}\p{N}_.*-]+)$/u.test(token)) {
      throw new Fault(`${token} has no meaning in a condition.`, HINT, match.index)
    }
    tokens.push({ text: token, offset: match.index })
  }
  return tokens
}

class Reader {
  readonly #tokens: readonly Token[]
  readonly #end: number
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens
    this.#end = end
  }

  all(): Condition {
    const condition = this.#or()
    const rest = this.#tokens[this.#at]
    if (rest !== undefined) throw new Fault(`${rest.text} is not expected here.`, HINT, rest.offset)
    return condition
  }

  #is(word: string, ahead = 0): boolean {
    return this.#tokens[this.#at + ahead]?.text.toLowerCase() === word
  }

  #or = (): Condition => this.#chain('or', () => this.#chain('and', this.#not))

  #chain(word: 'and' | 'or', next: () => Condition): Condition {
    const first = next()
    const nodes = [first]
    while (this.#is(word)) {
      this.#at++
      nodes.push(next())
    }
    return nodes.length === 1 ? first : { kind: word, nodes }
  }

  #not = (): Condition => {
    if (!this.#is('not')) return this.#operand()
    this.#at++
    return this.#deeper(() => ({ kind: 'not', node: this.#not() }))
  }

  #deeper(read: () => Condition): Condition {
    this.#depth++
    if (this.#depth > DEEPEST) throw new Fault('The condition is nested too deep.', 'Name parts of it.', 0)
    const condition = read()
    this.#depth--
    return condition
  }

  #operand(): Condition {
    const token = this.#tokens[this.#at]
    if (token === undefined) throw new Fault('The condition ends too early.', HINT, this.#end)
    this.#at++
    if (token.text === '(') return this.#deeper(() => this.#closed(token))
    if (token.text === ')' || ['and', 'or', 'of', 'them'].includes(token.text.toLowerCase())) {
      throw new Fault(`${token.text} is not expected here.`, HINT, token.offset)
    }
    if (this.#is('of')) return this.#of(token)
    if (token.text.includes('*')) {
      throw new Fault(
        `${token.text} stands for several.`,
        `Write 1 of ${token.text} or all of ${token.text}.`,
        token.offset,
      )
    }
    return { kind: 'name', name: token.text, offset: token.offset }
  }

  #closed(open: Token): Condition {
    const inner = this.#or()
    if (!this.#is(')')) throw new Fault('This parenthesis is not closed.', 'Add a ).', open.offset)
    this.#at++
    return inner
  }

  #of(count: Token): Condition {
    const how = { '1': 'any', any: 'any', all: 'all' }[count.text.toLowerCase()] as 'any' | 'all' | undefined
    if (how === undefined) {
      throw new Fault(`${count.text} of is not in the standard.`, 'Write 1 of or all of.', count.offset)
    }
    this.#at++
    const pattern = this.#tokens[this.#at]
    if (pattern === undefined || '()'.includes(pattern.text)) {
      throw new Fault('of is followed by nothing.', 'Write them, or names with a *.', count.offset)
    }
    this.#at++
    return { kind: 'of', how, pattern: pattern.text, offset: pattern.offset }
  }
}

/** The names that `x of` is about. Those that start with an underscore are meant only by a pattern that does too. */
export function namesMatching(pattern: string, names: readonly string[]): string[] {
  if (pattern.toLowerCase() === 'them') return names.filter((name) => !name.startsWith('_'))
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.\\+?^${}()|[\]]/g, '\\$&'))
  const whole = new RegExp(`^${parts.join('.*')}$`, 'u')
  return names.filter((name) => whole.test(name) && (pattern.startsWith('_') || !name.startsWith('_')))
}
