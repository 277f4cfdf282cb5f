/** What is hidden of an event, and how to see it: for a reason, which is recorded. */
import { Alert, Button, Checkbox, Group, Modal, Stack, Text, Textarea } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import type { EventDetail, RevealRequest } from '../../../../src/serve/shapes/events.ts'
import { Icon } from '../../parts/icon.tsx'
import { Plain } from '../../parts/plain.tsx'
import { useReveal } from '../../queries/events.ts'
import { useMay, useMe } from '../../queries/session.ts'
import { MASK_WORDS } from '../admin/roles.ts'

type Field = RevealRequest['fields'][number]

/** Shorter reasons are none. */
const LEAST_REASON = 5

/** A line that says what is hidden, with the way to see it. */
export function Reveal({ detail }: { readonly detail: EventDetail }) {
  const may = useMay('events:reveal')
  const { masks } = useMe()
  const [isOpen, dialog] = useDisclosure(false)
  if (detail.masked.length === 0 || masks.length === 0) return null
  return (
    <div className="reveal">
      <Icon name="eye" />
      <span>
        Hidden from your role: <Plain text={detail.masked.join(', ')} />.
      </span>
      {may ? (
        <Button size="compact-xs" variant="default" onClick={dialog.open}>
          Reveal…
        </Button>
      ) : null}
      <Modal opened={isOpen} onClose={dialog.close} title="Reveal hidden fields of this event" size="sm">
        <Form id={detail.id} fields={masks} onDone={dialog.close} />
      </Modal>
    </div>
  )
}

function Form({
  id,
  fields,
  onDone,
}: {
  readonly id: string
  readonly fields: readonly Field[]
  readonly onDone: () => void
}) {
  const [chosen, setChosen] = useState<Field[]>([...fields])
  const [reason, setReason] = useState('')
  const reveal = useReveal(id)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        reveal.mutate({ fields: chosen, reason: reason.trim() }, { onSuccess: onDone })
      }}
    >
      <Stack gap="sm">
        <Checkbox.Group label="What" value={chosen} onChange={(next) => setChosen(next as Field[])}>
          <Stack gap={6} mt={6}>
            {fields.map((field) => (
              <Checkbox key={field} value={field} label={MASK_WORDS[field]} />
            ))}
          </Stack>
        </Checkbox.Group>
        <Textarea
          label="Why"
          description="Your name, this event and the reason go into the audit trail."
          data-autofocus
          required
          autosize
          minRows={2}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {reveal.error === null ? null : (
          <Alert color="red" variant="light" role="alert">
            <Plain text={`${reveal.error.message} ${reveal.error.hint}`} />
          </Alert>
        )}
        <Group justify="space-between">
          <Text size="xs" c="dimmed">
            Only this event, until you leave it
          </Text>
          <Button
            type="submit"
            loading={reveal.isPending}
            disabled={reason.trim().length < LEAST_REASON || chosen.length === 0}
          >
            Reveal
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
