/** Where alerts and events go: what waits, what failed, and what was refused for good. */
import { Button, Group, Table } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import type { DestinationList } from '../../../../src/serve/shapes/operations.ts'
import { MayButton, useWhyNot } from '../../parts/may.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain, visibleText } from '../../parts/plain.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { Tag, TimeText } from '../../parts/small.tsx'
import { Empty, Failed, StateOf } from '../../parts/state-of.tsx'
import { useAsk, useTell } from '../../queries/ask.ts'
import { numberOf } from '../../times.ts'
import { useUrlState } from '../../url-state.ts'
import { DeadLetters } from './dead-letters.tsx'
import { Failure } from './stages.tsx'

type Destination = DestinationList['destinations'][number]

/** What a trial answers. */
interface Trial {
  readonly outcome: string
  readonly reason?: string
}

const EVERY_MS = 15_000

/** The destinations of the settings, and the dead letters of the one that is chosen. */
export function Destinations() {
  const [params, change] = useUrlState()
  const chosen = params.get('dead')
  const query = useAsk<DestinationList>('/destinations', {}, { everyMs: EVERY_MS })
  return (
    <div className="page-stack">
      <Panel title="Destinations" note="As deliver.yaml names them" flush>
        <StateOf
          query={query}
          empty={({ destinations }) => destinations.length === 0}
          whenEmpty={
            <Empty title="Nothing is delivered anywhere" icon="operations">
              Name destinations in <code>deliver.yaml</code> to have alerts and events sent to other systems.
            </Empty>
          }
        >
          {({ destinations }) => (
            <ScrollTable
              label="Destinations"
              columns={[
                { name: 'Destination' },
                { name: 'Waiting', number: true },
                { name: 'Delivered', number: true, wide: true },
                { name: 'Last delivery', wide: true },
                { name: 'Dead letters', number: true },
                { name: 'To do', silent: true },
              ]}
            >
              {destinations.map((each) => (
                <DestinationRow
                  key={each.name}
                  destination={each}
                  isOpen={each.name === chosen}
                  onOpen={() => change({ dead: each.name === chosen ? null : each.name })}
                />
              ))}
            </ScrollTable>
          )}
        </StateOf>
      </Panel>
      {chosen === null ? null : (
        <DeadLetters key={chosen} destination={chosen} onClose={() => change({ dead: null })} />
      )}
    </div>
  )
}

function DestinationRow({
  destination,
  isOpen,
  onOpen,
}: {
  readonly destination: Destination
  readonly isOpen: boolean
  readonly onOpen: () => void
}) {
  const { name, kind, takes, waiting, oldest, delivered, lastDelivered, lastFailure, dead } = destination
  const failing = lastFailure !== undefined && (lastDelivered === undefined || lastFailure.time > lastDelivered)
  return (
    <>
      <Table.Tr>
        <Table.Td className="name-cell">
          <Group gap={6}>
            <strong>
              <Plain text={name} />
            </strong>
            <Tag tone={failing ? 'high' : 'good'}>{failing ? 'failing' : 'well'}</Tag>
          </Group>
          <div className="sub">
            <Plain text={kind} />, takes {takes}
          </div>
        </Table.Td>
        <Table.Td className="number">
          {numberOf(waiting)}
          {oldest === undefined ? null : (
            <div className="sub">
              since <TimeText iso={oldest} as="ago" />
            </div>
          )}
        </Table.Td>
        <Table.Td className="number wide-only">{numberOf(delivered)}</Table.Td>
        <Table.Td className="wide-only">
          <TimeText iso={lastDelivered} as="ago" />
        </Table.Td>
        <Table.Td className="number">
          {dead === 0 ? (
            '0'
          ) : (
            <Button variant="subtle" size="compact-xs" aria-expanded={isOpen} onClick={onOpen} color="red">
              {numberOf(dead)}
              <span className="unseen-caption"> dead letters of {visibleText(name)}</span>
            </Button>
          )}
        </Table.Td>
        <Table.Td className="buttons">
          <TestButton name={name} />
        </Table.Td>
      </Table.Tr>
      {failing ? (
        <Table.Tr className="failure-row">
          <Table.Td colSpan={6}>
            <Failure reason={lastFailure.reason} time={lastFailure.time} />
          </Table.Td>
        </Table.Tr>
      ) : null}
    </>
  )
}

function TestButton({ name }: { readonly name: string }) {
  const whyNot = useWhyNot('delivery:change', 'send tests')
  const test = useTell<Trial>([['destinations']])
  const run = async () => {
    const trial = await test
      .mutateAsync({ method: 'POST', path: `/destinations/${encodeURIComponent(name)}/test` })
      .catch(() => null)
    if (trial === null) return
    const worked = trial.outcome === 'delivered'
    notifications.show({
      title: worked
        ? `${visibleText(name)} took the test message`
        : `The test to ${visibleText(name)}: ${trial.outcome}`,
      message: visibleText(trial.reason ?? ''),
      color: worked ? 'teal' : 'red',
      autoClose: worked ? 4000 : false,
    })
  }
  return (
    <>
      <MayButton
        variant="default"
        size="compact-xs"
        whyNot={whyNot}
        loading={test.isPending}
        onPress={() => void run()}
        aria-label={`Send a test to ${visibleText(name)}`}
      >
        Test
      </MayButton>
      {test.error === null ? null : <Failed error={test.error} />}
    </>
  )
}
