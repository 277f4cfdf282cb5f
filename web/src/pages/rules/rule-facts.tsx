/** What is known of a rule. */
import { Anchor } from '@mantine/core'
import type { ReactNode } from 'react'
import type { RuleDetail } from '../../../../src/serve/shapes/rules.ts'
import { KeyValue } from '../../parts/key-value.tsx'
import { Plain } from '../../parts/plain.tsx'
import { TimeText } from '../../parts/small.tsx'
import { numberOf } from '../../times.ts'
import { attackUrl } from '../alerts/alert-links.ts'

/** Names and values of a rule. */
export function RuleFacts({ rule }: { readonly rule: RuleDetail }) {
  const { threat, kind, status, tactics, techniques, falsePositives, references, controls, noise } = rule
  return (
    <KeyValue
      rows={[
        ['Kind', kind],
        ['Threat', threat === null ? null : <Plain key="threat" text={threat.replaceAll('-', ' ')} />],
        ['Status', status === null ? null : <Plain key="status" text={status} />],
        [
          'Tactics',
          tactics.length === 0 ? null : <Plain key="tactics" text={tactics.join(', ').replaceAll('-', ' ')} />,
        ],
        ['Techniques', techniques.length === 0 ? null : <Techniques key="techniques" ids={techniques} />],
        ['Last fired', <TimeText key="fired" iso={rule.lastFired} />],
        ['Findings', numberOf(rule.findings)],
        ['Noise', noise === null ? 'no alert of it was resolved' : `${Math.round(100 * noise)} % of resolved alerts`],
        ['May be wrong for', listOf(falsePositives, (text) => <Plain text={text} />)],
        ['Controls', controls.length === 0 ? null : <Plain key="controls" text={controls.join(', ')} />],
        ['References', listOf(references, (text) => <Reference url={text} />)],
      ]}
    />
  )
}

function listOf(texts: readonly string[], shown: (text: string) => ReactNode): ReactNode {
  if (texts.length === 0) return null
  return (
    <ul className="plain-list">
      {texts.map((text) => (
        <li key={text}>{shown(text)}</li>
      ))}
    </ul>
  )
}

const Techniques = ({ ids }: { readonly ids: readonly string[] }) => (
  <span className="inline-list">
    {ids.map((id) => {
      const href = attackUrl(`attack.${id}`)
      return href === null ? (
        <Plain key={id} text={id} />
      ) : (
        <Anchor key={id} href={href} target="_blank" rel="noreferrer noopener">
          {id}
        </Anchor>
      )
    })}
  </span>
)

/** A rule file may come from anywhere: only web addresses become links. */
function Reference({ url }: { readonly url: string }) {
  if (!/^https?:\/\//.test(url)) return <Plain text={url} />
  return (
    <Anchor href={url} target="_blank" rel="noreferrer noopener">
      <Plain text={url} />
    </Anchor>
  )
}
