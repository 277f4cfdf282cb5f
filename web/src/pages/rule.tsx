/** One rule: what it looks for and why, how often it fires, what is set here, and what it would have found. */
import { Anchor, Group, Title } from '@mantine/core'
import { Link } from 'wouter'
import type { RuleDetail } from '../../../src/serve/shapes/rules.ts'
import { DayBars } from '../parts/day-bars.tsx'
import { Icon } from '../parts/icon.tsx'
import { Panel } from '../parts/panel.tsx'
import { Plain } from '../parts/plain.tsx'
import { Copy, IdText, LevelBadge, Tag } from '../parts/small.tsx'
import { Empty, StateOf } from '../parts/state-of.tsx'
import { lastPart } from '../path-part.ts'
import { useAsk } from '../queries/ask.ts'
import { numberOf } from '../times.ts'
import { Runbook } from './alerts/runbook.tsx'
import { BacktestPanel } from './rules/backtest-panel.tsx'
import { RuleFacts } from './rules/rule-facts.tsx'
import { RuleSettings } from './rules/rule-settings.tsx'
import './alerts/alerts.css'
import './rules/rules.css'

/** The page of a rule. */
export default function Rule() {
  const query = useAsk<RuleDetail>(`/rules/${encodeURIComponent(lastPart())}`)
  return (
    <div className="page">
      <Anchor component={Link} href="/rules" className="back-link" mb="xs">
        <Icon name="left" size={12} /> Rules
      </Anchor>
      <StateOf query={query} lines={10}>
        {(rule) => <Whole rule={rule} />}
      </StateOf>
    </div>
  )
}

function Whole({ rule }: { readonly rule: RuleDetail }) {
  const alerts = `/alerts?${new URLSearchParams({ which: 'all', rule: rule.id }).toString()}`
  return (
    <>
      <header className="rule-head">
        <Group gap={8}>
          <LevelBadge level={rule.level} />
          {rule.enabled ? <Tag tone="good">on</Tag> : <Tag>off</Tag>}
          {rule.overridden ? <Tag tone="low">changed here</Tag> : null}
          <span className="rule-name">
            <Plain text={rule.name} />
          </span>
          <IdText id={rule.id} most={40} />
        </Group>
        <Title order={1}>
          <Plain text={rule.title} />
        </Title>
        <p className="rule-description">
          <Plain text={rule.description} keepLines />
        </p>
      </header>
      <Problems rule={rule} />
      <div className="rule-grid">
        <div className="rule-side">
          <Panel title="Facts">
            <RuleFacts rule={rule} />
          </Panel>
          <Panel
            title="Findings"
            note="By day, UTC"
            actions={
              <Anchor component={Link} href={alerts}>
                Its alerts
              </Anchor>
            }
          >
            {rule.perDay.length === 0 ? (
              <Empty title="It has not fired">No finding of it is in the lake.</Empty>
            ) : (
              <DayBars
                label="Findings by day"
                unit="findings"
                days={rule.perDay.map(({ day, findings }) => ({ day, value: findings }))}
              />
            )}
          </Panel>
          <BacktestPanel rule={rule} />
        </div>
        <div className="rule-side">
          <RuleSettings key={settingsKey(rule)} rule={rule} />
          <Runbook steps={rule.runbook} filled={false} note="An alert has it filled in, ready to be opened" />
          <Panel
            title="File"
            note={<Plain text={rule.file} />}
            actions={<Copy text={rule.yaml} label="Copy the YAML" />}
            flush
          >
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
            <pre className="rule-yaml" tabIndex={0}>
              <Plain text={rule.yaml} keepLines />
            </pre>
          </Panel>
        </div>
      </div>
    </>
  )
}

/** The form begins anew when what is in force has changed. */
const settingsKey = ({ enabled, level, parameters }: RuleDetail): string =>
  JSON.stringify([enabled, level, parameters.map(({ value }) => value)])

function Problems({ rule }: { readonly rule: RuleDetail }) {
  if (rule.problemList.length === 0) return null
  return (
    <Panel title={`${numberOf(rule.problemList.length)} problems`} className="rule-problems">
      <ul className="problem-list">
        {rule.problemList.map(({ severity, message, hint, line }) => (
          <li key={`${line} ${message}`}>
            <Tag tone={severity === 'error' ? 'high' : 'medium'}>
              <Plain text={severity} />
            </Tag>{' '}
            <Plain text={message} /> <span className="sub">line {numberOf(line)}</span>
            <div className="sub">
              <Plain text={hint} />
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
