/** Regular expressions of pipelines, which are written for Python. */
import { messageOf } from '../../../core/errors.ts'
import type { Shape } from '../../../core/yaml/shape.ts'

/** The expression; an error at the key where it cannot be read. `fromStart`: it has to match from the first character. */
export function regexOf(text: string, shape: Shape, key: string, fromStart = false): RegExp | undefined {
  const [whole = '', flags = ''] = /^\(\?([ims]+)\)/.exec(text) ?? []
  const body = text
    .slice(whole.length)
    .replaceAll('(?P<', '(?<')
    .replaceAll(/\(\?P=(\w+)\)/g, '\\k<$1>')
  try {
    return new RegExp(fromStart ? `^(?:${body})` : body, fromStart ? flags : `g${flags}`)
  } catch (cause) {
    shape.error(key, `${text} is no regular expression: ${messageOf(cause)}.`, 'Mend it.')
    return undefined
  }
}

/** A replacement: groups are `\1` and `\g<name>` there. */
export const replacementOf = (text: string): string =>
  text
    .replaceAll('$', '$$$$')
    .replaceAll(/\\g<(\d+)>/g, '$$$1')
    .replaceAll(/\\g<(\w+)>/g, '$$<$1>')
    .replaceAll(/\\(\d)/g, '$$$1')
    .replaceAll('\\\\', '\\')
