/** Whoever else has seen the log's checkpoints. */
import { Table } from '@mantine/core'
import type { SealView } from '../../../../src/serve/shapes/operations.ts'
import { Panel } from '../../parts/panel.tsx'
import { Plain } from '../../parts/plain.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { Tag, TimeText } from '../../parts/small.tsx'
import { Empty } from '../../parts/state-of.tsx'

/** Witnesses, timestamp authorities and write-once copies. */
export function Anchors({ seal }: { readonly seal: SealView }) {
  return (
    <Panel title="Anchors" note="Others who keep its checkpoints, so that no second history can be told" flush>
      {seal.anchors.length === 0 ? (
        <Empty title="Nobody else keeps its checkpoints" icon="lock">
          A witness, a timestamp authority or a write-once bucket can be named in <code>seal/settings.json</code>. Until
          then keep a checkpoint yourself, where nobody here can write.
        </Empty>
      ) : (
        <ScrollTable label="Anchors" columns={[{ name: 'Anchor' }, { name: 'Seen up to' }, { name: 'Last' }]}>
          {seal.anchors.map(({ id, lastSize, lastTime, lastError }) => (
            <Table.Tr key={id}>
              <Table.Td className="name-cell">
                <Plain text={id} />
                {lastError === undefined ? null : (
                  <div className="sub">
                    <Tag tone="high">failing</Tag> <Plain text={lastError} />
                  </div>
                )}
              </Table.Td>
              <Table.Td className="number">{lastSize ?? <span className="none">–</span>}</Table.Td>
              <Table.Td>
                <TimeText iso={lastTime} as="ago" />
              </Table.Td>
            </Table.Tr>
          ))}
        </ScrollTable>
      )}
    </Panel>
  )
}
