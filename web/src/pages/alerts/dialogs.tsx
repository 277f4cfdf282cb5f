/** What is asked before an alert is resolved, noted, given to somebody or silenced. */
import { Modal, Radio, Stack, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import type { AlertDeed, AlertRow } from '../../../../src/serve/shapes/alerts.ts'
import { DialogButtons } from '../../parts/dialog-buttons.tsx'
import { OUTCOME_CHOICES, type OutcomeValue } from './deeds.ts'

/** What a dialog is about. */
export interface DialogProps {
  readonly alerts: readonly AlertRow[]
  readonly onClose: () => void
  readonly onDeed: (deed: AlertDeed) => void
}

const LONGEST_NOTE = 4000

/** `this alert`, `3 incidents`. */
export const whichOf = (alerts: readonly AlertRow[]): string => {
  const kind = alerts[0]?.kind ?? 'alert'
  return alerts.length === 1 ? `this ${kind}` : `${alerts.length} ${kind}s`
}

/** Asks what it was. Keys 1 to 4 choose. */
export function ResolveDialog({ alerts, onClose, onDeed }: DialogProps) {
  const [outcome, setOutcome] = useState<OutcomeValue>('true_positive')
  const [duplicateOf, setDuplicateOf] = useState('')
  const [note, setNote] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const of = duplicateOf.trim()
    onDeed({
      deed: 'resolve',
      outcome,
      ...(note.trim() === '' ? {} : { note: note.trim() }),
      ...(outcome === 'duplicate' ? { duplicateOf: of } : {}),
    })
  }
  const choices = alerts.length === 1 ? OUTCOME_CHOICES : OUTCOME_CHOICES.filter(({ value }) => value !== 'duplicate')
  return (
    <Modal opened onClose={onClose} title={`Resolve ${whichOf(alerts)}`}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Radio.Group
            label="What was it?"
            value={outcome}
            onChange={(value) => setOutcome(value as OutcomeValue)}
            onKeyDown={(event) => {
              const chosen = choices[Number(event.key) - 1]
              if (chosen !== undefined) setOutcome(chosen.value)
            }}
          >
            <Stack gap={6} mt={6}>
              {choices.map(({ value, label, meaning }, at) => (
                <Radio
                  key={value}
                  value={value}
                  label={`${at + 1}  ${label}`}
                  description={meaning}
                  {...(at === 0 ? { 'data-autofocus': true } : {})}
                />
              ))}
            </Stack>
          </Radio.Group>
          {outcome === 'duplicate' ? (
            <TextInput
              label="Of which one?"
              description="Its whole id, as its address has it."
              required
              value={duplicateOf}
              onChange={(event) => setDuplicateOf(event.currentTarget.value)}
              maxLength={64}
            />
          ) : null}
          <NoteField value={note} onChange={setNote} label="Note (optional)" />
          <DialogButtons onClose={onClose} submit="Resolve" />
        </Stack>
      </form>
    </Modal>
  )
}

/** Asks for a note. */
export function NoteDialog({ alerts, onClose, onDeed }: DialogProps) {
  const [note, setNote] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (note.trim() !== '') onDeed({ deed: 'note', note: note.trim() })
  }
  return (
    <Modal opened onClose={onClose} title={`Note on ${whichOf(alerts)}`}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <NoteField value={note} onChange={setNote} label="Note" first />
          <DialogButtons onClose={onClose} submit="Keep" disabled={note.trim() === ''} />
        </Stack>
      </form>
    </Modal>
  )
}

/** Asks to whom it goes; an empty name is nobody. */
export function AssignDialog({ alerts, onClose, onDeed }: DialogProps) {
  const [name, setName] = useState(alerts.length === 1 ? (alerts[0]?.assignee ?? '') : '')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onDeed({ deed: 'assign', assignee: name.trim() === '' ? null : name.trim() })
  }
  return (
    <Modal opened onClose={onClose} title={`Assign ${whichOf(alerts)}`}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label="Who looks into it"
            description="A name or e-mail address. Leave it empty to give it back."
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={200}
            data-autofocus
          />
          <DialogButtons onClose={onClose} submit={name.trim() === '' ? 'Give back' : 'Assign'} />
        </Stack>
      </form>
    </Modal>
  )
}

function NoteField({
  value,
  onChange,
  label,
  first = false,
}: {
  readonly value: string
  readonly onChange: (text: string) => void
  readonly label: string
  readonly first?: boolean
}) {
  return (
    <Textarea
      label={label}
      description="Stays in its history. Ctrl+Enter keeps it."
      autosize
      minRows={2}
      maxRows={8}
      maxLength={LONGEST_NOTE}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit()
      }}
      {...(first ? { 'data-autofocus': true } : {})}
    />
  )
}
