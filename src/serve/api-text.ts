/** The reference of the API as a page of the documentation. */
import type { ReferenceRoute } from './api-reference.ts'

const HEAD = `# API

Made from the program. A running service tells the same with bodies and examples at \`/docs\`, and to programs at \`/openapi.json\`
(OpenAPI 3.1).

Send \`Authorization: Bearer btk_…\`; [signing in](../how-to/sign-in.md) says how to get a token. A route needs the permission beside it, and
is recorded as the action beside it. Refusals are problems of RFC 9457: \`code\` and \`hint\` are those of [errors](errors.md). Times are ISO
8601 in UTC; where a time is asked for, words such as \`2h ago\` will do. Lists come in pages: send \`nextCursor\` of one as \`cursor\` of the
next. A parameter that a route does not know is refused (422): a misspelt condition would otherwise give everything.
`

/** The page. */
export function apiPage(routes: readonly ReferenceRoute[]): string {
  const groups = [...Map.groupBy(routes, ({ tag }) => tag)]
  return [HEAD, ...groups.map(([tag, own]) => groupText(tag, own))].join('\n')
}

function groupText(tag: string, routes: readonly ReferenceRoute[]): string {
  const rows = routes.map(
    ({ method, path, permission, action, summary }) =>
      `| \`${method} ${path}\` | ${permission === undefined ? 'public' : `\`${permission}\``} | ${action === undefined ? '–' : `\`${action}\``} | ${inCell(summary)} |`,
  )
  const taken = routes.filter(({ parameters }) => parameters.length > 0).flatMap(parametersText)
  return [
    `## ${tag}`,
    '',
    '| route | permission | action | |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    ...taken,
  ].join('\n')
}

function parametersText({ method, path, parameters }: ReferenceRoute): string[] {
  const lines = parameters.map(({ name, where, isRequired, type, description }) => {
    const needed = isRequired && where !== 'path' ? ', needed' : ''
    return `- \`${name}\` (${where}${needed}): ${type}${description === '' ? '' : `. ${description}`}`
  })
  return [`\`${method} ${path}\` takes`, '', ...lines, '']
}

const inCell = (text: string): string => text.replaceAll('|', '\\|')
