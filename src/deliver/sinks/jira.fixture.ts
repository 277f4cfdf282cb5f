/** A site of Jira for tests, after what Atlassian publishes of its API: issues, comments, transitions, and a search that may lag behind. */
import type { Posted, Reply } from '../receiver.fixture.ts'

/** An issue as the site has it. */
export interface SiteIssue {
  readonly key: string
  readonly fields: Readonly<Record<string, unknown>> & { readonly labels: readonly string[]; readonly summary: string }
  readonly comments: unknown[]
  status: 'new' | 'done'
}

/** A site. */
export class JiraSite {
  readonly issues: SiteIssue[] = []
  /** Issues that a search does not find yet. */
  readonly unindexed = new Set<string>()

  /** Answers a request. */
  reply({ method, path, body }: Posted): Reply {
    const [route = '', query = ''] = path.replace('/rest/api/3', '').split('?')
    if (method === 'POST' && route === '/search/jql') return this.#search(JSON.parse(body))
    if (method === 'POST' && route === '/issue') return this.#create(JSON.parse(body))
    const [, key, below] = /^\/issue\/([A-Z]+-\d+)(?:\/(\w+))?$/.exec(route) ?? []
    const issue = this.issues.find((each) => each.key === key)
    if (issue === undefined) return json(404, { errorMessages: ['Issue does not exist'] })
    if (below === undefined) return json(200, shown(issue))
    if (below === 'comment') return this.#comment(issue, method, body, query)
    return this.#transition(issue, method, body)
  }

  #search({ jql }: { jql: string }): Reply {
    const [, project, label = ''] = /^project = "(\w+)" AND labels = "([\w-]+)" ORDER BY created ASC$/.exec(jql) ?? []
    if (project === undefined) return json(400, { errorMessages: ['The JQL is none.'] })
    const found = this.issues.filter(({ key, fields }) => fields.labels.includes(label) && !this.unindexed.has(key))
    return json(200, { issues: found.slice(0, 1).map(shown), isLast: true })
  }

  #create({ fields }: { fields: SiteIssue['fields'] }): Reply {
    if (fields.summary.length > 255 || fields.summary.includes('\n'))
      return json(400, { errorMessages: [], errors: { summary: 'The summary is invalid.' } })
    if ((fields.issuetype as { name: string }).name === 'Nonsense')
      return json(400, { errorMessages: [], errors: { issuetype: 'Specify a valid issue type' } })
    const key = `SEC-${this.issues.length + 1}`
    this.issues.push({ key, fields, comments: [], status: 'new' })
    return json(201, { id: String(10_000 + this.issues.length), key })
  }

  #comment(issue: SiteIssue, method: string, body: string, query: string): Reply {
    if (method === 'POST') {
      issue.comments.push(JSON.parse(body))
      return json(201, { id: String(issue.comments.length) })
    }
    const most = Number(new URLSearchParams(query).get('maxResults'))
    return json(200, { comments: [...issue.comments].reverse().slice(0, most) })
  }

  #transition(issue: SiteIssue, method: string, body: string): Reply {
    const offered = issue.status === 'done' ? [{ id: '11', name: 'Reopen' }] : [{ id: '31', name: 'Done' }]
    if (method === 'GET') return json(200, { transitions: offered })
    const { transition } = JSON.parse(body) as { transition: { id: string } }
    if (!offered.some(({ id }) => id === transition.id)) return json(400, { errorMessages: ['No such transition'] })
    issue.status = transition.id === '31' ? 'done' : 'new'
    return { status: 204 }
  }
}

const shown = ({ key, status }: SiteIssue) => ({ key, fields: { status: { statusCategory: { key: status } } } })

const json = (status: number, body: unknown): Reply => ({ status, body: JSON.stringify(body) })
