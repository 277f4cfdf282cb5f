/** The log as it stands: its newest checkpoint, and the key that signed it. */
import { Button, Group } from '@mantine/core'
import type { SealView } from '../../../../src/serve/shapes/operations.ts'
import { urlOf } from '../../api.ts'
import { Icon } from '../../parts/icon.tsx'
import { KeyValue } from '../../parts/key-value.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain } from '../../parts/plain.tsx'
import { Copy, IdText, Tag } from '../../parts/small.tsx'
import { numberOf } from '../../times.ts'

/** Size, root and key, and the checkpoint to keep where nobody here can write. */
export function SealFacts({ seal }: { readonly seal: SealView }) {
  const size = Number(seal.size)
  return (
    <Panel
      title="Checkpoint"
      note="Four lines that stand for everything sealed so far"
      actions={
        <Button
          component="a"
          href={urlOf('/seal/checkpoint')}
          download="checkpoint"
          variant="default"
          leftSection={<Icon name="download" size={13} />}
        >
          Download
        </Button>
      }
    >
      <Block text={seal.checkpoint} label="Copy the checkpoint" />
      <KeyValue
        rows={[
          ['Leaves', Number.isSafeInteger(size) ? numberOf(size) : seal.size],
          ['Root', <IdText key="root" id={seal.root} most={28} />],
          ['Log', <Plain key="origin" text={seal.origin} />],
          ['Raw bytes', <Plain key="raw" text={seal.raw} />],
          [
            'Not sealed yet',
            seal.unsealed === 0 ? (
              <Tag key="unsealed" tone="good">
                nothing
              </Tag>
            ) : (
              <Group key="unsealed" gap={6}>
                <Tag tone="medium">{numberOf(seal.unsealed)} versions</Tag>
                <Plain text={seal.behind.join(', ')} />
              </Group>
            ),
          ],
        ]}
      />
      <h3 className="integrity-sub">Public key</h3>
      <Block text={seal.key} label="Copy the key" />
    </Panel>
  )
}

/** Text to be copied as it is. */
export function Block({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div className="copy-block">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>
        <Plain text={text.trimEnd()} keepLines />
      </pre>
      <Copy text={text} label={label} />
    </div>
  )
}
