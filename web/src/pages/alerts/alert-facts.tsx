/** What an alert is about, and why it was raised. */
import { Anchor, Group, Text } from '@mantine/core'
import { Link } from 'wouter'
import type { AlertDetail } from '../../../../src/serve/shapes/alerts.ts'
import { KeyValue } from '../../parts/key-value.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain } from '../../parts/plain.tsx'
import { EntityLink, Tag, TimeText } from '../../parts/small.tsx'
import { numberOf } from '../../times.ts'
import { explorerUrl, term } from '../../url-state.ts'
import { attackUrl, entityPageOf, eventsOf, ruleUrl } from './alert-links.ts'

/** More names than this are no help. */
const MOST_NAMES = 12

/** Facts of an alert; whatever has a page or events of its own leads there. */
export function AlertFacts({ alert }: { readonly alert: AlertDetail }) {
  const page = entityPageOf(alert.entity)
  const events = eventsOf(alert)
  return (
    <KeyValue
      rows={[
        ['About', alert.entity.value === '' ? null : <About key="about" alert={alert} page={page} />],
        [
          'Rule',
          alert.kind === 'incident' ? null : (
            <Anchor key="rule" component={Link} href={ruleUrl(alert.rule.id)}>
              <Plain text={alert.rule.title} />
            </Anchor>
          ),
        ],
        ['Threat', alert.threat === null ? null : <Plain key="threat" text={alert.threat.replaceAll('-', ' ')} />],
        [
          'Time',
          <span key="time">
            <TimeText iso={alert.firstTime} />
            {alert.firstTime === alert.lastTime ? null : (
              <>
                {' '}
                to <TimeText iso={alert.lastTime} />
              </>
            )}
          </span>,
        ],
        [
          'Events',
          events === null ? (
            numberOf(alert.events)
          ) : (
            <span key="events">
              {numberOf(alert.events)} in {numberOf(alert.findings)} {alert.findings === 1 ? 'finding' : 'findings'} ·{' '}
              <Anchor component={Link} href={events}>
                all it did in that time
              </Anchor>
            </span>
          ),
        ],
        ['Risk', alert.risk === null ? null : <Risk key="risk" {...alert.risk} />],
        ['Actors', alert.actors.length === 0 ? null : <Names key="actors" kind="actor" names={alert.actors} />],
        ['Assets', alert.assets.length === 0 ? null : <Names key="assets" kind="target" names={alert.assets} />],
        ['Workspaces', alert.workspaces.length === 0 ? null : <Workspaces key="workspaces" alert={alert} />],
        ['ATT&CK', alert.tags.some(isAttack) ? <Tags key="tags" tags={alert.tags} /> : null],
        ['Assigned to', alert.assignee === null ? 'nobody' : <Plain key="who" text={alert.assignee} />],
        ['Quiet', alert.quiet === null ? null : <Plain key="quiet" text={QUIET[alert.quiet] ?? alert.quiet} />],
        [
          'Duplicate of',
          alert.duplicateOf === null ? null : (
            <Anchor key="of" component={Link} href={`/${alert.kind}s/${encodeURIComponent(alert.duplicateOf)}`}>
              <Plain text={alert.duplicateOf} />
            </Anchor>
          ),
        ],
      ]}
    />
  )
}

const QUIET: Readonly<Record<string, string>> = {
  history: 'Its events were old when they were found; nobody was told.',
}

function About({ alert, page }: { readonly alert: AlertDetail; readonly page: string | null }) {
  const { field, value } = alert.entity
  return (
    <span>
      {page === null ? (
        <Plain text={value} />
      ) : (
        <Anchor component={Link} href={page} fw={600}>
          <Plain text={value} />
        </Anchor>
      )}{' '}
      <Text span size="xs" c="dimmed">
        <Plain text={field} />
      </Text>
    </span>
  )
}

const Risk = ({ score, tactics }: { readonly score: number; readonly tactics: readonly string[] }) => (
  <span>
    <strong>{numberOf(score)}</strong>
    {tactics.length === 0 ? null : <> by {tactics.map((tactic) => tactic.replaceAll('-', ' ')).join(', ')}</>}
  </span>
)

/** Assets are said with their type, as `table:main.hr.pay`; their pages go by name. */
const nameOf = (kind: 'actor' | 'target', text: string): string =>
  kind === 'actor' ? text : text.replace(/^[a-z_]+:(?=.)/, '')

function Names({ kind, names }: { readonly kind: 'actor' | 'target'; readonly names: readonly string[] }) {
  return (
    <ul className="names">
      {names.slice(0, MOST_NAMES).map((name) => (
        <li key={name}>
          <EntityLink kind={kind} id={nameOf(kind, name)}>
            <Plain text={name} />
          </EntityLink>
        </li>
      ))}
      {names.length > MOST_NAMES ? <li>and {names.length - MOST_NAMES} more</li> : null}
    </ul>
  )
}

function Workspaces({ alert }: { readonly alert: AlertDetail }) {
  return (
    <Group gap={8}>
      {alert.workspaces.slice(0, MOST_NAMES).map((id) => (
        <Anchor
          key={id}
          component={Link}
          href={explorerUrl(term('workspace', id), { from: alert.firstTime, to: alert.lastTime })}
        >
          <Plain text={id === '0' ? 'account' : id} />
        </Anchor>
      ))}
    </Group>
  )
}

const isAttack = (tag: string): boolean => tag.startsWith('attack.')

function Tags({ tags }: { readonly tags: readonly string[] }) {
  const attack = tags.filter(isAttack)
  return (
    <Group gap={6}>
      {attack.map((tag) => {
        const href = attackUrl(tag)
        const text = tag.slice('attack.'.length)
        return href === null ? (
          <Tag key={tag}>{text.replaceAll('-', ' ')}</Tag>
        ) : (
          <Anchor key={tag} href={href} target="_blank" rel="noreferrer noopener" size="sm">
            {text.toUpperCase()}
          </Anchor>
        )
      })}
    </Group>
  )
}

/** Lines as `selection: field = value`, together by selection. */
function bySelection(lines: readonly string[]): [string, string[]][] {
  const parts = new Map<string, string[]>()
  for (const line of lines) {
    const at = line.indexOf(': ')
    const name = at < 0 ? '' : line.slice(0, at)
    parts.set(name, [...(parts.get(name) ?? []), at < 0 ? line : line.slice(at + 2)])
  }
  return [...parts]
}

/** Why it was raised: the selections of the rule with what they met. */
export function Because({ lines }: { readonly lines: readonly string[] }) {
  if (lines.length === 0) return null
  return (
    <Panel title="Why">
      <dl className="because">
        {bySelection(lines).map(([name, values]) => (
          <div key={name}>
            {name === '' ? null : (
              <dt>
                <Plain text={name.replaceAll('_', ' ')} />
              </dt>
            )}
            {values.map((value) => (
              <dd key={value} className={name === '' ? 'because-words' : ''}>
                <Plain text={value} />
              </dd>
            ))}
          </div>
        ))}
      </dl>
    </Panel>
  )
}
