/**
 * Processing pipelines: YAML files that make other people's rules fit our events. After the format of pySigma
 * (https://sigmahq-pysigma.readthedocs.io/en/latest/Processing_Pipelines.html).
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { messageOf } from '../../../core/errors.ts'
import { isYamlList, readDocuments, type YamlDocument } from '../../../core/yaml/documents.ts'
import type { Problem } from '../../../core/yaml/place.ts'
import { Shape } from '../../../core/yaml/shape.ts'
import type { Given } from '../settings.ts'
import { type Applies, CONDITION_KEYS, readConditions } from './conditions.ts'
import type { Surroundings, Transformation } from './transformation.ts'
import { kindAt } from './transformations.ts'

/** A transformation with what it applies to. */
export interface PipelineItem extends Transformation {
  readonly id?: string
  readonly ofRule: Applies
  readonly ofLine: Applies
  readonly ofField: Applies
  /** Of `nest`: items that are run in its place. */
  readonly nested?: readonly PipelineItem[]
}

/** A pipeline. */
export interface Pipeline {
  readonly file: string
  /** Lower ones are run first. */
  readonly priority: number
  readonly items: readonly PipelineItem[]
  /** Other if the file is. */
  readonly digest: string
}

/** Pipelines in the order they are run in, and what was wrong. */
export interface Pipelines {
  readonly pipelines: readonly Pipeline[]
  readonly problems: readonly Problem[]
}

/** Reads pipelines. One that has an error is left out as a whole: half of one would change what rules mean. */
export async function readPipelines(files: readonly Given[]): Promise<Pipelines> {
  const read = await Promise.all(
    files.map(async ({ text: file, place }) => {
      try {
        return pipelineOf(await readFile(file, 'utf8'), file)
      } catch (cause) {
        const why = cause instanceof Error && 'code' in cause ? String(cause.code) : messageOf(cause)
        const message = `The pipeline ${file} cannot be read: ${why}.`
        return { problems: [{ severity: 'error' as const, message, hint: 'Check the path.', place }] }
      }
    }),
  )
  return {
    pipelines: read
      .flatMap((each) => ('pipeline' in each && each.pipeline !== undefined ? [each.pipeline] : []))
      .sort((a, b) => a.priority - b.priority),
    problems: read.flatMap(({ problems }) => problems),
  }
}

const KEYS = ['name', 'priority', 'allowed_backends', 'vars', 'transformations', 'postprocessing', 'finalizers']

/** A pipeline from its text; undefined if it has an error. */
export function pipelineOf(
  text: string,
  file: string,
): { readonly pipeline?: Pipeline; readonly problems: readonly Problem[] } {
  const { documents, problems: broken } = readDocuments(text, file)
  const [document] = documents
  if (document === undefined) return { problems: broken }
  const { items, priority } = fromDocument(document)
  const problems = [...broken, ...document.problems]
  if (problems.some(({ severity }) => severity === 'error')) return { problems }
  return { pipeline: { file, priority, items, digest: createHash('sha256').update(text).digest('hex') }, problems }
}

function fromDocument(document: YamlDocument): Pick<Pipeline, 'items' | 'priority'> {
  const shape = new Shape(document.value, [], document).only(KEYS)
  for (const key of ['postprocessing', 'finalizers']) {
    const value = shape.raw(key)
    if (isYamlList(value) && value.length > 0)
      document.warning([key], `${key} is about the text of queries, and is passed over.`, 'Remove it.')
  }
  const vars = shape.map('vars')
  const surroundings = {
    vars: Object.fromEntries((vars?.keys ?? []).map((name) => [name, vars?.texts(name) ?? []] as const)),
  }
  const priority = shape.raw('priority') ?? 0
  if (typeof priority !== 'number') shape.error('priority', 'priority is no number.', 'Write a number, such as 10.')
  if (shape.raw('transformations') === undefined)
    shape.error('transformations', 'The pipeline has no transformations.', 'Add `transformations:`.')
  return {
    priority: Number(priority),
    items: shape.maps('transformations').flatMap((item) => itemOf(item, surroundings)),
  }
}

function itemOf(shape: Shape, surroundings: Surroundings): PipelineItem[] {
  const id = shape.text('id')
  const common = {
    ...(id === undefined ? {} : { id }),
    ofRule: readConditions(shape, 'rule'),
    ofLine: readConditions(shape, 'detection_item'),
    ofField: readConditions(shape, 'field_name'),
  }
  const known = ['id', 'type', ...CONDITION_KEYS]
  if (shape.raw('type') === 'nest') {
    shape.only([...known, 'items'])
    return [{ ...common, nested: shape.maps('items').flatMap((item) => itemOf(item, surroundings)) }]
  }
  const kind = kindAt(shape)
  if (kind === undefined) return []
  return [{ ...common, ...kind.read(shape.only([...known, ...kind.keys]), surroundings) }]
}
