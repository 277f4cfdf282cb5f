/** What the API's description says of each route, in the order in which a reader wants it. */

/** An OpenAPI document, as far as it is told of. */
export interface ApiDocument {
  readonly paths?: Readonly<Record<string, object>>
}

/** A parameter of a path or query. */
export interface ReferenceParameter {
  readonly name: string
  readonly where: string
  readonly isRequired: boolean
  /** Such as `integer 1–500` or `new | resolved`. */
  readonly type: string
  readonly description: string
}

/** An answer of a route. */
export interface ReferenceAnswer {
  readonly status: string
  readonly description: string
  readonly mediaType: string | undefined
  /** Text of the example, JSON in lines. */
  readonly example: string | undefined
}

/** A route. */
export interface ReferenceRoute {
  readonly tag: string
  readonly method: string
  readonly path: string
  readonly summary: string
  readonly description: string
  /** Undefined for public routes. */
  readonly permission: string | undefined
  readonly action: string | undefined
  readonly parameters: readonly ReferenceParameter[]
  readonly body: ReferenceAnswer | undefined
  readonly answers: readonly ReferenceAnswer[]
}

const METHODS = ['get', 'post', 'put', 'delete', 'patch']

/** All routes, by tag as first met. */
export function routesOf({ paths = {} }: ApiDocument): ReferenceRoute[] {
  const routes = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => METHODS.includes(method))
      .map(([method, operation]) => routeOf(path, method, operation as Operation)),
  )
  return [...Map.groupBy(routes, ({ tag }) => tag).values()].flat()
}

interface Schema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: unknown
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly example?: unknown }>>
  readonly description?: string
}

interface Operation {
  readonly tags?: readonly string[]
  readonly summary?: string
  readonly description?: string
  readonly 'x-permission'?: string
  readonly 'x-action'?: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema?: Schema & { readonly description?: string }
  }[]
  readonly requestBody?: Content
  readonly responses?: Readonly<Record<string, Content>>
}

function routeOf(path: string, method: string, operation: Operation): ReferenceRoute {
  const { tags, summary, description, parameters, requestBody, responses } = operation
  return {
    tag: tags?.[0] ?? 'Other',
    method: method.toUpperCase(),
    path,
    summary: summary ?? '',
    description: description ?? '',
    permission: operation['x-permission'],
    action: operation['x-action'],
    parameters: (parameters ?? []).map((each) => ({
      name: each.name,
      where: each.in,
      isRequired: each.required === true,
      type: typeText(each.schema ?? {}),
      description: each.description ?? each.schema?.description ?? '',
    })),
    body: requestBody === undefined ? undefined : answerOf('', requestBody),
    answers: Object.entries(responses ?? {})
      .map(([status, content]) => answerOf(status, content))
      .sort((a, b) => (a.status < b.status ? -1 : 1)),
  }
}

function answerOf(status: string, { content, description }: Content): ReferenceAnswer {
  const [first] = Object.entries(content ?? {})
  const example = first?.[1].example
  const text = typeof example === 'string' ? example : JSON.stringify(example, null, 2)
  return { status, description: description ?? '', mediaType: first?.[0], example: text }
}

function typeText({ type, enum: values, minimum, maximum, default: usual }: Schema): string {
  const base = values === undefined ? [type ?? 'string'].flat().join(' or ') : values.join(' | ')
  const range = minimum === undefined && maximum === undefined ? '' : ` ${minimum ?? ''}–${maximum ?? ''}`
  return `${base}${range}${usual === undefined ? '' : `, ${JSON.stringify(usual)} where absent`}`
}
