/** The reference of the API as one page: HTML and a style, no script, so that it needs nothing from anywhere. */
import type { ReferenceAnswer, ReferenceRoute } from './api-reference.ts'

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (each) => ESCAPES[each] ?? each)

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1, h2 { line-height: 1.2; } h2 { border-bottom: 1px solid; margin-top: 2.5rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.875rem; }
pre { background: #8881; overflow-x: auto; padding: 0.5rem; }
details { border: 1px solid #8886; border-radius: 0.25rem; margin: 0.5rem 0; padding: 0.25rem 0.75rem; }
summary { cursor: pointer; } summary b { display: inline-block; min-width: 4rem; }
table { border-collapse: collapse; width: 100%; } th, td { border-bottom: 1px solid #8884; padding: 0.25rem 0.5rem; text-align: left; vertical-align: top; }
nav a { margin-right: 1rem; }
@media (max-width: 40rem) { td, th { display: block; } }
`

/** The page. @param nonce of the policy of this answer, for its style */
export function referencePage(routes: readonly ReferenceRoute[], version: string, nonce: string): string {
  const groups = [...Map.groupBy(routes, ({ tag }) => tag)]
  const links = groups.map(([tag]) => `<a href="#${idOf(tag)}">${escaped(tag)}</a>`).join('')
  const sections = groups.map(([tag, own]) => `<h2 id="${idOf(tag)}">${escaped(tag)}</h2>${own.map(section).join('')}`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>API of Bricktrail</title><style nonce="${escaped(nonce)}">${STYLE}</style></head>
<body><header><h1>API of Bricktrail ${escaped(version)}</h1>
<p>Send <code>Authorization: Bearer btk_…</code>. <a href="/openapi.json">openapi.json</a> says the same to programs.</p>
<nav aria-label="Groups of routes">${links}</nav></header>
<main>${sections.join('\n')}</main></body></html>
`
}

const idOf = (tag: string): string => `tag-${tag.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`

function section(route: ReferenceRoute): string {
  const { method, path, summary, description, permission, parameters, body, answers } = route
  const needs = permission === undefined ? 'Public.' : permission === 'any' ? 'For everybody signed in.' : ''
  const right = needs === '' ? `Needs <code>${escaped(permission ?? '')}</code>.` : needs
  const good = answers.filter(({ status }) => status < '400')
  const refused = answers.filter(({ status }) => status >= '400')
  return `<details><summary><b>${escaped(method)}</b> <code>${escaped(path)}</code> ${escaped(summary)}</summary>
<p>${escaped(description)}</p><p>${right}</p>${parameterTable(parameters)}
${body === undefined ? '' : `<h3>Body</h3>${exampleOf(body)}`}
${good.map((each) => `<h3>${escaped(each.status)}</h3><p>${escaped(each.description)}</p>${exampleOf(each)}`).join('')}
${refused.length === 0 ? '' : `<h3>Refusals</h3><ul>${refused.map((each) => `<li>${escaped(each.status)}: ${escaped(each.description)}</li>`).join('')}</ul>`}
</details>
`
}

function parameterTable(parameters: ReferenceRoute['parameters']): string {
  if (parameters.length === 0) return ''
  const rows = parameters.map(
    ({ name, where, isRequired, type, description }) =>
      `<tr><td><code>${escaped(name)}</code>${isRequired ? ' (needed)' : ''}</td><td>${escaped(where)}</td><td>${escaped(type)}</td><td>${escaped(description)}</td></tr>`,
  )
  return `<table><thead><tr><th scope="col">parameter</th><th scope="col">in</th><th scope="col">type</th><th scope="col">what</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

const exampleOf = ({ example, mediaType }: ReferenceAnswer): string =>
  mediaType === undefined
    ? ''
    : `<p><code>${escaped(mediaType)}</code></p>${example === undefined ? '' : `<pre tabindex="0">${escaped(example)}</pre>`}`
