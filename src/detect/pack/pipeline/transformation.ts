/** What a transformation of a pipeline can do. */
import type { Shape } from '../../../core/yaml/shape.ts'
import type { Line, WorkedRule } from './worked-rule.ts'

/** What transformations may look at besides their own parameters. */
export interface Surroundings {
  /** Lists of the pipeline, for placeholders. */
  readonly vars: Readonly<Record<string, readonly string[]>>
}

/** Changes a rule as a whole, each line of it, or each name of a field in it. */
export interface Transformation {
  readonly onRule?: (rule: WorkedRule) => void
  /** What stands for a line: an or of lines; none to leave it out. The same line where nothing changes. */
  readonly onLine?: (line: Line, rule: WorkedRule) => readonly Line[]
  /** The names that stand for a field; undefined where nothing changes. */
  readonly onField?: (field: string) => readonly string[] | undefined
}

/** A type of transformation: the keys it takes, and how its parameters are read. */
export interface TransformationKind {
  readonly keys: readonly string[]
  readonly read: (shape: Shape, surroundings: Surroundings) => Transformation
}
