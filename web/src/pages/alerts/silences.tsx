/** Silences: what is to be quiet for a while, and why. */
import { Button, Checkbox, Group, Modal, Radio, Stack, Text, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { type FormEvent, useState } from 'react'
import type { AlertRow, NewSilence, SilenceRow } from '../../../../src/serve/shapes/alerts.ts'
import { DialogButtons } from '../../parts/dialog-buttons.tsx'
import { MayButton, useWhyNot } from '../../parts/may.tsx'
import { Plain, visibleText } from '../../parts/plain.tsx'
import { Tag, TimeText } from '../../parts/small.tsx'
import { Empty, Failed, StateOf } from '../../parts/state-of.tsx'
import { useAsk, useTell } from '../../queries/ask.ts'

const DURATIONS = [
  { value: '2h', label: '2 hours' },
  { value: '8h', label: '8 hours' },
  { value: '1d', label: '1 day' },
  { value: '7d', label: '1 week' },
] as const

const SHORTEST_REASON = 3

/** Asks what of an alert is to be quiet, for how long, and why. */
export function SilenceDialog({ alert, onClose }: { readonly alert: AlertRow; readonly onClose: () => void }) {
  const [rule, setRule] = useState(true)
  const [entity, setEntity] = useState(alert.entity.value !== '')
  const [duration, setDuration] = useState('8h')
  const [reason, setReason] = useState('')
  const make = useTell<SilenceRow>([['silences'], ['alerts']])
  const ready = (rule || entity) && reason.trim().length >= SHORTEST_REASON && duration.trim() !== ''
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (!ready) return
    const body: NewSilence = {
      duration: duration.trim(),
      reason: reason.trim(),
      // By its id where it can be: what is masked here is not what the pattern would have to fit.
      ...(rule && entity ? { alert: alert.id } : {}),
      ...(rule && !entity ? { rule: literal(alert.rule.id) } : {}),
      ...(entity && !rule ? { entity: literal(alert.entity.value) } : {}),
    }
    const made = await make.mutateAsync({ method: 'POST', path: '/silences', body }).catch(() => null)
    if (made === null) return
    notifications.show({ title: 'Silenced', message: visibleText(made.about), color: 'teal' })
    onClose()
  }
  const isPreset = DURATIONS.some(({ value }) => value === duration)
  return (
    <Modal opened onClose={onClose} title="Silence">
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap="sm">
          <Text size="xs" c="dimmed">
            Nobody is told of what fits. It is still listed, and still counts as risk.
          </Text>
          <Checkbox
            label={<Plain text={`Rule: ${alert.rule.title}`} />}
            checked={rule}
            onChange={(event) => setRule(event.currentTarget.checked)}
          />
          <Checkbox
            label={<Plain text={`About: ${alert.entity.value === '' ? '–' : alert.entity.value}`} />}
            checked={entity}
            disabled={alert.entity.value === ''}
            onChange={(event) => setEntity(event.currentTarget.checked)}
          />
          {rule || entity ? null : (
            <Text size="xs" c="var(--mantine-color-error)" role="alert">
              This would silence everything. Choose at least one.
            </Text>
          )}
          <Radio.Group
            label="For how long"
            value={isPreset ? duration : 'other'}
            onChange={(value) => setDuration(value === 'other' ? '' : value)}
          >
            <Group gap="md" mt={6}>
              {DURATIONS.map(({ value, label }) => (
                <Radio key={value} value={value} label={label} />
              ))}
              <Radio value="other" label="Other" />
            </Group>
          </Radio.Group>
          {isPreset ? null : (
            <TextInput
              label="Span"
              description="A number with m, h, d or w, such as 36h."
              value={duration}
              onChange={(event) => setDuration(event.currentTarget.value)}
              maxLength={20}
            />
          )}
          <TextInput
            label="Reason"
            description="Others read it when they wonder why it is quiet."
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={500}
            required
            data-autofocus
          />
          {make.error === null ? null : <Failed error={make.error} />}
          <DialogButtons onClose={onClose} submit="Silence" disabled={!ready} loading={make.isPending} />
        </Stack>
      </form>
    </Modal>
  )
}

/** A silence matches by pattern; here exactly one thing is meant. */
const literal = (text: string): string => text.replaceAll(/[\\*?]/g, '\\$&')

/** All silences, with a way to end those in force. */
function SilenceList({ onClose }: { readonly onClose: () => void }) {
  const query = useAsk<{ silences: SilenceRow[] }>('/silences')
  return (
    <Modal opened onClose={onClose} title="Silences" size="lg">
      <StateOf
        query={query}
        empty={({ silences }) => silences.length === 0}
        whenEmpty={
          <Empty title="Nothing is silenced">
            Choose an alert and press x to silence its rule or whom it is about.
          </Empty>
        }
      >
        {({ silences }) => (
          <Stack gap="md">
            {silences.map((silence) => (
              <SilenceItem key={silence.id} silence={silence} />
            ))}
          </Stack>
        )}
      </StateOf>
    </Modal>
  )
}

function SilenceItem({ silence }: { readonly silence: SilenceRow }) {
  const whyNot = useWhyNot('alerts:change', 'end silences')
  const end = useTell<void>([['silences'], ['alerts']])
  const { id, about, who, reason, created, ends, inForce, quieted } = silence
  return (
    <Group justify="space-between" align="flex-start" wrap="nowrap" gap="sm">
      <div className="silence-words">
        <Group gap={6}>
          <Tag tone={inForce ? 'medium' : 'informational'}>{inForce ? 'in force' : 'over'}</Tag>
          <Text fw={500}>
            <Plain text={about} />
          </Text>
        </Group>
        <Text>
          <Plain text={reason} />
        </Text>
        <Text size="xs" c="dimmed">
          <Plain text={who} /> from <TimeText iso={created} /> to <TimeText iso={ends} /> · kept {quieted} quiet
        </Text>
        {end.error === null ? null : <Failed error={end.error} />}
      </div>
      {inForce ? (
        <MayButton
          whyNot={whyNot}
          variant="default"
          loading={end.isPending}
          onPress={() => end.mutate({ method: 'DELETE', path: `/silences/${encodeURIComponent(id)}` })}
        >
          End now
        </MayButton>
      ) : null}
    </Group>
  )
}

/** Opens the list of silences. */
export function SilencesButton() {
  const [opened, setOpened] = useState(false)
  return (
    <>
      <Button variant="default" onClick={() => setOpened(true)}>
        Silences
      </Button>
      {opened ? <SilenceList onClose={() => setOpened(false)} /> : null}
    </>
  )
}
