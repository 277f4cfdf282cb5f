/**
 * Which regular expressions run in linear time (RE2's syntax), and why the others are refused. Source: github.com/google/re2,
 * page "Syntax".
 */

/** Why a pattern cannot be used, and at which character of it. */
export interface RegexFault {
  readonly message: string
  readonly offset: number
}

/** RE2 refuses to repeat more often than this. */
const MOST_REPEATS = 1000

const LOOK_AROUND = 'It runs in time linear in the text, which look-ahead and look-behind do not allow'
const BACK_REFERENCE = 'It runs in time linear in the text, which references back to a group do not allow'

const GROUPS: readonly (readonly [start: RegExp, reason: string | undefined])[] = [
  [/^\(\?<?[=!]/, `${LOOK_AROUND}.`],
  [/^\(\?>/, 'Atomic groups (?>…) are not supported.'],
  [/^\(\?#/, 'Comments (?#…) are not supported.'],
  [/^\(\?P=|^\(\?P>/, `${BACK_REFERENCE}.`],
  [/^\(\?P<[A-Za-z_]\w*>/, undefined],
  [/^\(\?<[A-Za-z_]\w*>/, 'Write (?P<name>…) for a group with a name.'],
  [/^\(\?[imsU]*(?:-[imsU]+)?[:)]/, undefined],
  [/^\(\?/, 'This kind of group is not supported.'],
]

const ESCAPES: readonly (readonly [start: RegExp, reason: string | undefined])[] = [
  [/^\\[1-9](?![0-7])|^\\k|^\\g/, `${BACK_REFERENCE}.`],
  [/^\\(?:[dDsSwWbBAzaftnrvC]|Q|E)/, undefined],
  [/^\\[pP](?:[A-Z]|\{\^?[A-Za-z_]+\})/, undefined],
  [/^\\x(?:[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,6}\})/, undefined],
  [/^\\0[0-7]{0,2}|^\\[1-7][0-7]{1,2}/, undefined],
  [/^\\u/, 'Write \\x{…} for a character by its number; \\u is not supported.'],
  [/^\\Z/, 'Write $ or \\z for the end; \\Z is not supported.'],
  [/^\\[0-9A-Za-z]/, 'This escape is not supported.'],
]

const faultOf = (table: typeof GROUPS, rest: string): { length: number; reason: string | undefined } | undefined => {
  for (const [start, reason] of table) {
    const match = start.exec(rest)
    if (match !== null) return { length: match[0].length, reason }
  }
  return undefined
}

/** What keeps a pattern from being used; undefined if nothing does. */
export function regexFault(pattern: string): RegexFault | undefined {
  return new Scan(pattern).run()
}

/** One walk over a pattern. */
class Scan {
  readonly #pattern: string
  /** Where groups that are open start, and how often what was around them is repeated at most. */
  readonly #open: { readonly at: number; readonly repeats: number }[] = []
  #at = 0
  /** What stands before can be repeated, and whether it is a repetition already. */
  #atom: 'none' | 'plain' | 'repeated' = 'none'
  /** How often the most repeated part of the group, and of that atom, is repeated by counts: those within one another multiply. */
  #repeats = 1
  #atomRepeats = 1

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  run(): RegexFault | undefined {
    while (this.#at < this.#pattern.length) {
      const fault = this.#step()
      if (fault !== undefined) return fault
    }
    const unclosed = this.#open.at(-1)
    return unclosed === undefined ? undefined : { message: 'This group is not closed.', offset: unclosed.at }
  }

  #step(): RegexFault | undefined {
    const char = this.#pattern.charAt(this.#at)
    if (char === '\\') return this.#escape()
    if (char === '[') return this.#charClass()
    if (char === '(') return this.#group()
    if (char === ')') return this.#close()
    if ('*+?'.includes(char)) return this.#repeat(1)
    if (char === '{') {
      const counted = /^\{(\d+)(?:,(\d*))?\}/.exec(this.#rest())
      if (counted !== null) return this.#counted(counted)
    }
    this.#take(1, char === '|' || char === '^' ? 'none' : 'plain')
    return undefined
  }

  #rest = (): string => this.#pattern.slice(this.#at)

  #take(length: number, atom: 'none' | 'plain' | 'repeated'): void {
    this.#at += length
    this.#atom = atom
    if (atom !== 'repeated') this.#atomRepeats = 1
  }

  #fault = (message: string): RegexFault => ({ message, offset: this.#at })

  #escape(): RegexFault | undefined {
    const rest = this.#rest()
    if (rest.length === 1) return this.#fault('A backslash at the end escapes nothing; write two for a backslash.')
    if (rest.startsWith('\\Q')) {
      const end = rest.indexOf('\\E')
      this.#take(end < 0 ? rest.length : end + 2, 'plain')
      return undefined
    }
    const known = faultOf(ESCAPES, rest)
    if (known?.reason !== undefined) return this.#fault(known.reason)
    if (known === undefined && (rest.codePointAt(1) ?? 0) > 0x7f) return this.#fault('This character needs no escape.')
    this.#take(known?.length ?? 2, 'plain')
    return undefined
  }

  #charClass(): RegexFault | undefined {
    const start = this.#at
    const rest = this.#rest()
    const opening = /^\[\^?\]?/.exec(rest)?.[0] ?? '['
    this.#at += opening.length
    while (this.#at < this.#pattern.length) {
      const char = this.#pattern.charAt(this.#at)
      if (char === ']') {
        this.#take(1, 'plain')
        return undefined
      }
      const named = /^\[:\^?[a-z]+:\]/.exec(this.#rest())
      if (named !== null) this.#at += named[0].length
      else if (char === '\\') {
        const fault = this.#escape()
        if (fault !== undefined) return fault
      } else this.#at++
    }
    return { message: 'This character class is not closed.', offset: start }
  }

  #group(): RegexFault | undefined {
    const rest = this.#rest()
    const known = faultOf(GROUPS, rest)
    if (known?.reason !== undefined) return this.#fault(known.reason)
    // Flags alone, such as (?i), open nothing.
    const opening = rest.slice(0, known?.length ?? 1)
    if (!opening.endsWith(')')) {
      this.#open.push({ at: this.#at, repeats: this.#repeats })
      this.#repeats = 1
    }
    this.#take(opening.length, 'none')
    return undefined
  }

  #close(): RegexFault | undefined {
    const opened = this.#open.pop()
    if (opened === undefined) return this.#fault('This closes a group that was not opened.')
    this.#take(1, 'plain')
    this.#atomRepeats = this.#repeats
    this.#repeats = Math.max(opened.repeats, this.#repeats)
    return undefined
  }

  #repeat(length: number): RegexFault | undefined {
    const sign = this.#pattern.slice(this.#at, this.#at + length)
    if (this.#atom === 'none') return this.#fault(`There is nothing before ${sign} to repeat.`)
    if (this.#atom === 'repeated') {
      return this.#fault(
        sign === '+'
          ? 'Possessive repetition (*+, ++, ?+) is not supported.'
          : 'This repeats a repetition; use a group.',
      )
    }
    const lazy = this.#pattern.charAt(this.#at + length) === '?'
    this.#take(length + (lazy ? 1 : 0), 'repeated')
    return undefined
  }

  #counted([all, from = '0', to]: RegExpExecArray): RegexFault | undefined {
    const most = Math.max(Number(from), Number(to || 0))
    if (most > MOST_REPEATS) return this.#fault(`Nothing may be repeated more than ${MOST_REPEATS} times.`)
    if (to !== undefined && to !== '' && Number(to) < Number(from))
      return this.#fault('This repeats at most less than at least.')
    const together = this.#atomRepeats * Math.max(most, 1)
    if (this.#atom === 'plain' && together > MOST_REPEATS) {
      return this.#fault(`Within one another these repeat more than ${MOST_REPEATS} times.`)
    }
    this.#repeats = Math.max(this.#repeats, together)
    return this.#repeat(all.length)
  }
}
