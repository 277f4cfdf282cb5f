/** Transformations of pipelines by type: what each takes, and what it does. */
import type { Shape } from '../../../core/yaml/shape.ts'
import { FIELD_TRANSFORMATIONS } from './field-transformations.ts'
import { RULE_TRANSFORMATIONS } from './rule-transformations.ts'
import type { TransformationKind } from './transformation.ts'
import { VALUE_TRANSFORMATIONS } from './value-transformations.ts'

/** Every type that is run; `nest` is read by the pipeline itself. */
export const TRANSFORMATIONS: Readonly<Record<string, TransformationKind>> = {
  ...FIELD_TRANSFORMATIONS,
  ...VALUE_TRANSFORMATIONS,
  ...RULE_TRANSFORMATIONS,
}

const NEEDS_PROGRAM = 'It needs a program of its own.'
const USE_WATCHLIST = 'Give the list as a watchlist of detect.yaml, or in vars.'

/** Types that other tools have and that are not run here, with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  http_placeholders: `A pipeline may not reach the network. ${USE_WATCHLIST}`,
  command_placeholders: `A pipeline may not start programs. ${USE_WATCHLIST}`,
  file_placeholders: USE_WATCHLIST,
  query_expression_placeholders: 'It writes parts of a query of another system.',
  field_name_transform: NEEDS_PROGRAM,
  hashes_fields: 'It is about hashes of Windows events. Map the fields one by one.',
  extract_fields: NEEDS_PROGRAM,
  regex: 'Texts are compared without case already.',
}

/** The type of a transformation; an error with the known types where it is none of them. */
export function kindAt(shape: Shape): TransformationKind | undefined {
  const type = shape.needed('type')
  if (type === undefined) return undefined
  const known = Object.hasOwn(TRANSFORMATIONS, type) ? TRANSFORMATIONS[type] : undefined
  if (known !== undefined) return known
  const types = `Known here: ${[...Object.keys(TRANSFORMATIONS), 'nest'].sort().join(', ')}.`
  const why = Object.hasOwn(REFUSED, type) ? ` ${REFUSED[type]}` : ''
  return shape.error('type', `The transformation ${type} is not run.${why}`, types)
}
