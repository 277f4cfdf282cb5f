/** Reads all that was sealed again and says whether it is still what was sealed. */
import { Progress, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import type { SealView } from '../../../../src/serve/shapes/operations.ts'
import { Icon } from '../../parts/icon.tsx'
import { MayButton, useWhyNot } from '../../parts/may.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Tag, TimeText } from '../../parts/small.tsx'
import { Empty, Failed } from '../../parts/state-of.tsx'
import { useTell } from '../../queries/ask.ts'
import { numberOf } from '../../times.ts'

type Checked = NonNullable<SealView['verification']>

/** More findings than this are no help on a page; the command line lists all. */
const MOST_FINDINGS = 50

/** The last verification, or the one that runs, with a way to start another. */
export function Verification({ seal }: { readonly seal: SealView }) {
  const whyNot = useWhyNot('seal:verify', 'start a verification')
  const queries = useQueryClient()
  const verify = useTell<SealView>([['seal']])
  const runs = seal.verification?.state === 'running'
  const start = async () => {
    const answer = await verify.mutateAsync({ method: 'POST', path: '/seal/verify' }).catch(() => null)
    if (answer !== null) queries.setQueryData(['seal', {}], answer)
  }
  return (
    <Panel
      title="Verification"
      note="Reads every sealed byte again and compares it with the log"
      actions={
        <MayButton
          whyNot={whyNot ?? (runs ? 'One is running.' : null)}
          loading={verify.isPending}
          onPress={() => void start()}
        >
          Verify now
        </MayButton>
      }
    >
      {verify.error === null ? null : <Failed error={verify.error} />}
      {seal.verification === null ? (
        <Empty title="Not verified yet" icon="integrity">
          The page keeps the last result. A verification reads at the speed of the disk and changes nothing.
        </Empty>
      ) : (
        <Outcome checked={seal.verification} />
      )}
    </Panel>
  )
}

const WORDS: Readonly<Record<Checked['state'], string>> = {
  running: 'Reading what was sealed',
  clean: 'Nothing is changed, missing or out of order',
  findings: 'This is not what was sealed',
  failed: 'The verification could not be finished',
}

function Outcome({ checked }: { readonly checked: Checked }) {
  const { state, started, ended, done, findings } = checked
  const percent = Math.round(100 * Math.min(1, Math.max(0, done)))
  return (
    <div className="verification" aria-live="polite">
      <div className={`verdict verdict-${state}`}>
        <Icon name={state === 'clean' ? 'check' : state === 'running' ? 'refresh' : 'incidents'} size={18} />
        <strong>{WORDS[state]}</strong>
        {state === 'running' ? <span className="verdict-done">{percent} %</span> : null}
      </div>
      {state === 'running' ? <Progress value={percent} aria-label="Verified" size="sm" /> : null}
      <Text size="xs" c="dimmed">
        Began <TimeText iso={started} />
        {ended === null ? null : (
          <>
            , ended <TimeText iso={ended} />
          </>
        )}
      </Text>
      <CheckedCounts counts={checked.checked} />
      {findings.length === 0 ? null : (
        <ul className="seal-findings">
          {findings.slice(0, MOST_FINDINGS).map(({ kind, message }, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two findings may be alike, and the list is not edited
            <li key={at}>
              <Tag tone="critical">
                <Plain text={kind} />
              </Tag>{' '}
              <Plain text={message} />
            </li>
          ))}
          {findings.length > MOST_FINDINGS ? <li>and {numberOf(findings.length - MOST_FINDINGS)} more</li> : null}
        </ul>
      )}
    </div>
  )
}

/** `rawObjects` as people say it. */
const wordsOf = (name: string): string =>
  name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase()

function CheckedCounts({ counts }: { readonly counts: Checked['checked'] }) {
  const shown = Object.entries(counts).filter(([, count]) => count > 0)
  if (shown.length === 0) return null
  return (
    <ul className="checked-counts">
      {shown.map(([name, count]) => (
        <li key={name}>
          <strong>{numberOf(count)}</strong> <Plain text={wordsOf(name)} />
        </li>
      ))}
    </ul>
  )
}
