/** What a destination refused for good: to be sent again, or thrown away. */
import { Button, Table } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import type { DeadLetterPage } from '../../../../src/serve/shapes/operations.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { MayButton, useWhyNot } from '../../parts/may.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain, visibleText } from '../../parts/plain.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { TimeText } from '../../parts/small.tsx'
import { Empty, Failed, StateOf } from '../../parts/state-of.tsx'
import { usePages, useTell } from '../../queries/ask.ts'
import { numberOf } from '../../times.ts'

type Letter = DeadLetterPage['letters'][number]

/** What a replay answers. */
interface Replay {
  readonly revived: number
  readonly delivered: number
  readonly refused?: unknown
}

const PAGE = 50

/** The dead letters of one destination. */
export function DeadLetters({ destination, onClose }: { readonly destination: string; readonly onClose: () => void }) {
  const path = `/destinations/${encodeURIComponent(destination)}`
  // The oldest first.
  const query = usePages<DeadLetterPage>(`${path}/dead`, { limit: PAGE })
  const whyNot = useWhyNot('delivery:change', 'send or discard dead letters')
  const replay = useTell<Replay>([['destinations']])
  const run = async () => {
    const answer = await replay.mutateAsync({ method: 'POST', path: `${path}/replay` }).catch(() => null)
    if (answer === null) return
    const left = answer.revived - answer.delivered
    notifications.show({
      title: `${numberOf(answer.delivered)} of ${numberOf(answer.revived)} delivered`,
      message: left === 0 ? 'Nothing is left behind.' : `${numberOf(left)} wait again, or were refused again.`,
      color: left === 0 ? 'teal' : 'orange',
    })
  }
  return (
    <Panel
      title={<Plain text={`Dead letters of ${destination}`} />}
      note="They were refused in a way that trying again does not mend. Mend the cause, then replay."
      actions={
        <>
          <MayButton whyNot={whyNot} loading={replay.isPending} onPress={() => void run()}>
            Replay all
          </MayButton>
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
        </>
      }
      flush
    >
      {replay.error === null ? null : <Failed error={replay.error} />}
      <StateOf
        query={query}
        empty={([first]) => first?.letters.length === 0}
        whenEmpty={<Empty title="No dead letters" icon="check" />}
      >
        {(pages) => (
          <>
            <ScrollTable
              label="Dead letters"
              columns={[{ name: 'Why' }, { name: 'What' }, { name: 'To do', silent: true }]}
            >
              {pages
                .flatMap(({ letters }) => letters)
                .map((letter) => (
                  <LetterRow key={letter.seq} letter={letter} path={path} />
                ))}
            </ScrollTable>
            <MoreButton query={query} />
          </>
        )}
      </StateOf>
    </Panel>
  )
}

function LetterRow({ letter, path }: { readonly letter: Letter; readonly path: string }) {
  const whyNot = useWhyNot('delivery:change', 'discard dead letters')
  const [asking, setAsking] = useState(false)
  return (
    <Table.Tr>
      <Table.Td className="name-cell">
        <Plain text={letter.reason} />
        <div className="sub">
          <TimeText iso={letter.time} />
        </div>
      </Table.Td>
      <Table.Td className="name-cell">
        {letter.body === '' ? (
          <code>{visibleText(letter.id)}</code>
        ) : (
          <details>
            <summary>
              <code>{visibleText(letter.id)}</code>
            </summary>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
            <pre className="bytes" tabIndex={0}>
              <Plain text={letter.body} keepLines />
            </pre>
          </details>
        )}
      </Table.Td>
      <Table.Td className="buttons">
        <MayButton variant="default" size="compact-xs" color="red" whyNot={whyNot} onPress={() => setAsking(true)}>
          Discard
        </MayButton>
        {asking ? (
          <Confirm
            title="Discard this letter?"
            action="Discard"
            told={{ method: 'DELETE', path: `${path}/dead/${letter.seq}` }}
            outdated={[['destinations']]}
            onClose={() => setAsking(false)}
          >
            It will never be delivered. What it tells of stays in the lake.
          </Confirm>
        ) : null}
      </Table.Td>
    </Table.Tr>
  )
}
