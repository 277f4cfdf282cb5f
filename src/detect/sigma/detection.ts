/** The `detection` of a rule, and the `filter` of a filter, as a tree. */

import { isYamlList, isYamlMap, type YamlMap, type YamlValue } from '../../core/yaml/documents.ts'
import type { Reporter, ValuePath } from '../../core/yaml/place.ts'
import { type Condition, namesMatching, readCondition } from './condition.ts'
import { Fault } from './fault.ts'
import { type ItemKey, modifierFault, readKey } from './modifiers.ts'
import type { PassOver, Placeholders } from './placeholders.ts'
import { type Item, joined, type RuleNode, type Test } from './tree.ts'
import { testsOf } from './values.ts'

/** How detections are read. */
export interface DetectionOptions {
  /** Lists for `expand`. */
  readonly placeholders?: Placeholders
  /** Entries of these lists that cannot be used; where absent they are faults of the rule. */
  readonly passOver?: PassOver
  /** What stands for the line at a path: one of some lines, or nothing; undefined for the line itself. */
  readonly rewrite?: (path: ValuePath) => readonly RewrittenLine[] | undefined
  /** Selections that have to hold besides the condition; their lines are at `also`, a number and the key. */
  readonly also?: readonly { readonly name: string; readonly section: YamlMap; readonly negated: boolean }[]
}

/** A line in the place of the one that was written. */
export interface RewrittenLine extends ItemKey {
  /** As written; absent for what a pipeline changed. */
  readonly key?: string
  readonly values: readonly YamlValue[]
  /** True for a list, if only of one value. */
  readonly isList: boolean
}

/** A detection that was read. */
export interface ReadDetection {
  readonly tree: RuleNode
  /** Selections that no condition uses. */
  readonly unused: readonly string[]
}

/** Reads selections and condition below `path`; undefined if an error was reported. `notSelections` are keys beside them. */
export function readDetection(
  section: YamlMap,
  path: ValuePath,
  notSelections: readonly string[],
  report: Reporter,
  options: DetectionOptions,
): ReadDetection | undefined {
  const reader = new DetectionReader(report, options)
  const names = Object.keys(section).filter((name) => name !== 'condition' && !notSelections.includes(name))
  const selections = new Map(names.map((name) => [name, reader.selection(section[name] ?? null, [...path, name])]))
  if (selections.size === 0) reader.error(path, 'There are no selections.', 'Add one, such as `selection:`.')
  const used = new Set<string>()
  const condition = reader.conditions(section.condition ?? null, [...path, 'condition'], selections, used)
  const tree = reader.withAdded(condition, options.also ?? [], path)
  return reader.failed || tree === undefined ? undefined : { tree, unused: names.filter((name) => !used.has(name)) }
}

type Selections = ReadonlyMap<string, RuleNode | undefined>

class DetectionReader {
  failed = false
  readonly #report: Reporter
  readonly #placeholders: Placeholders
  readonly #passOver: PassOver | undefined
  readonly #rewrite: DetectionOptions['rewrite']

  constructor(report: Reporter, { placeholders = {}, passOver, rewrite }: DetectionOptions) {
    this.#report = report
    this.#placeholders = placeholders
    this.#passOver = passOver
    this.#rewrite = rewrite
  }

  error(path: ValuePath, message: string, hint: string, offset?: number): undefined {
    this.failed = true
    this.#report.error(path, message, hint, offset)
  }

  /** A map is an and of its lines, a list an or of maps and keywords. */
  selection(value: YamlValue, path: ValuePath): RuleNode | undefined {
    if (isYamlMap(value)) return this.#map(value, path)
    const list = isYamlList(value) ? value : [value]
    if (list.length === 0) return this.error(path, `${path.at(-1)} is empty.`, 'Add lines, or remove it.')
    const nodes = list.map((entry, at) => {
      const place = isYamlList(value) ? [...path, at] : path
      if (isYamlMap(entry)) return this.#map(entry, place)
      return this.#item('', [entry], [place], place)
    })
    return this.#joined('or', nodes)
  }

  #map(map: YamlMap, path: ValuePath): RuleNode | undefined {
    const entries = Object.entries(map)
    if (entries.length === 0)
      return this.error(path, 'This selection is empty.', 'Add a line, such as `serviceName: accounts`.')
    return this.#joined(
      'and',
      entries.map(([key, value]) => this.#line(key, value, [...path, key])),
    )
  }

  #joined(kind: 'and' | 'or', nodes: readonly (RuleNode | undefined)[]): RuleNode | undefined {
    const found = nodes.filter((node) => node !== undefined)
    if (found.length < nodes.length) return undefined
    const kept = found.filter((node) => node !== LEFT_OUT)
    return kept.length === 0 && found.length > 0 ? LEFT_OUT : joined(kind, kept)
  }

  /** The tree and what was added to it. */
  withAdded(
    tree: RuleNode | undefined,
    also: NonNullable<DetectionOptions['also']>,
    path: ValuePath,
  ): RuleNode | undefined {
    if (tree === LEFT_OUT) return this.error(path, 'Nothing is left of what the rule asks.', 'See the pipeline.')
    if (also.length === 0) return tree
    const added = also.map(({ name, section, negated }, at): RuleNode | undefined => {
      const node = this.selection(section, ['also', at])
      if (node === undefined || node === LEFT_OUT) return node
      return negated ? { kind: 'not', node: { kind: 'selection', name, node } } : { kind: 'selection', name, node }
    })
    return this.#joined('and', [tree, ...added])
  }

  #line(key: string, value: YamlValue, path: ValuePath): RuleNode | undefined {
    if (isYamlMap(value)) {
      return this.error(
        path,
        `The value of ${key} is a map.`,
        'Name nested fields with dots, such as requestParams.user_id.',
      )
    }
    if (!isYamlList(value)) return this.#item(key, [value], [path], path)
    const [first] = value
    if (first === undefined) return this.error(path, `${key} has no values.`, 'Add values, or remove the line.')
    return this.#item(
      key,
      value,
      value.map((_, at) => [...path, at]),
      path,
      true,
    )
  }

  #item(
    key: string,
    values: readonly YamlValue[],
    places: readonly ValuePath[],
    path: ValuePath,
    isList = false,
  ): RuleNode | undefined {
    const lines = this.#rewrite?.(path) ?? [{ ...readKey(key), key, values, isList }]
    const nodes = lines.map((line) => this.#rewritten(line, places, path))
    return lines.length === 0 ? LEFT_OUT : this.#joined('or', nodes)
  }

  #rewritten(line: RewrittenLine, places: readonly ValuePath[], path: ValuePath): RuleNode | undefined {
    const { values, isList } = line
    const fault = modifierFault(line) ?? listFault(line, values, isList)
    if (fault !== undefined) return this.error(path, fault.message, fault.hint)
    const tests = values.map((value, at) => this.#tests(value, line, places[at] ?? path))
    const found = tests.filter((each) => each !== undefined)
    if (found.length < tests.length) return undefined
    return withoutEmpty({
      kind: 'item',
      field: line.field,
      key: line.key ?? [line.field ?? '', ...line.modifiers].join('|'),
      values: found,
      link: line.modifiers.includes('all') ? 'all' : 'any',
      negated: line.modifiers.includes('neq'),
      place: this.#report.placeOf(path),
    })
  }

  #tests(value: YamlValue, { field, modifiers }: ItemKey, path: ValuePath): readonly Test[] | undefined {
    if (isYamlMap(value) || isYamlList(value)) {
      return this.error(path, 'A value is a map or a list.', 'Write each value as a text or number of its own.')
    }
    try {
      return testsOf(value, modifiers, field === null, this.#placeholders, this.#passOver)
    } catch (cause) {
      return this.#faulty(cause, path)
    }
  }

  #faulty(cause: unknown, path: ValuePath): undefined {
    if (!(cause instanceof Fault)) throw cause
    return this.error(path, cause.message, cause.hint, cause.offset)
  }

  /** A list of conditions is an or of them. */
  conditions(value: YamlValue, path: ValuePath, selections: Selections, used: Set<string>): RuleNode | undefined {
    const list = isYamlList(value) ? value : [value]
    if (list.length === 0)
      return this.error(path, 'There is no condition.', 'Write one, such as `condition: selection`.')
    const nodes = list.map((entry, at) => {
      const place = isYamlList(value) ? [...path, at] : path
      if (typeof entry !== 'string') return this.error(place, 'A condition is a text.', 'Write `condition: selection`.')
      return this.#condition(entry, place, selections, used)
    })
    return this.#joined('or', nodes)
  }

  #condition(text: string, path: ValuePath, selections: Selections, used: Set<string>): RuleNode | undefined {
    try {
      return this.#resolved(readCondition(text), selections, used)
    } catch (cause) {
      return this.#faulty(cause, path)
    }
  }

  #resolved(condition: Condition, selections: Selections, used: Set<string>): RuleNode | undefined {
    const within = (node: Condition) => this.#resolved(node, selections, used)
    switch (condition.kind) {
      case 'not': {
        const node = within(condition.node)
        return node === LEFT_OUT ? node : node && { kind: 'not', node }
      }
      case 'and':
      case 'or':
        return this.#joined(condition.kind, condition.nodes.map(within))
      case 'name':
        return this.#named(condition.name, condition.offset, selections, used)
      case 'of': {
        const names = namesMatching(condition.pattern, [...selections.keys()])
        if (names.length === 0) {
          throw new Fault(`No selection is called ${condition.pattern}.`, knownHint(selections), condition.offset)
        }
        const nodes = names.map((name) => this.#named(name, condition.offset, selections, used))
        return this.#joined(condition.how === 'any' ? 'or' : 'and', nodes)
      }
    }
  }

  #named(name: string, offset: number, selections: Selections, used: Set<string>): RuleNode | undefined {
    if (!selections.has(name)) throw new Fault(`There is no selection ${name}.`, knownHint(selections), offset)
    used.add(name)
    const node = selections.get(name)
    return node === LEFT_OUT ? node : node && { kind: 'selection', name, node }
  }
}

/** Stands for lines that a pipeline leaves out, until what is around them is known. */
const LEFT_OUT: RuleNode = { kind: 'and', nodes: [] }

const NOTHING: RuleNode = { kind: 'or', nodes: [] }
const EVERYTHING: RuleNode = { kind: 'and', nodes: [] }

/** A line without the values that stand for no text, as placeholders of empty lists do: nothing is equal to them. */
function withoutEmpty(item: Item): RuleNode {
  const values = item.values.filter((tests) => tests.length > 0)
  if (values.length === item.values.length) return item
  if (item.link === 'any' && values.length > 0) return { ...item, values }
  return item.negated ? EVERYTHING : NOTHING
}

const knownHint = (selections: Selections): string => `The selections are ${[...selections.keys()].join(', ')}.`

function listFault(
  { modifiers }: ItemKey,
  values: readonly YamlValue[],
  isList: boolean,
): { message: string; hint: string } | undefined {
  const all = modifiers.includes('all')
  if (all && values.length === 1) {
    return { message: 'all links several values, and there is one.', hint: 'Remove all.' }
  }
  if (all && modifiers.includes('neq')) {
    return { message: 'neq is already true only where the field differs from every value.', hint: 'Remove all.' }
  }
  if (isList && modifiers.includes('exists')) {
    return { message: 'exists takes one value.', hint: 'Write true or false.' }
  }
  if (values.length > 1 && values.includes(null)) {
    return { message: 'null cannot stand in a list of values.', hint: 'Put it into a selection of its own.' }
  }
  return undefined
}
