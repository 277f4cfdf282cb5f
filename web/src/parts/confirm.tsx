/** Asks once more before something is told to the server that cannot be taken back. */
import { Modal, Stack, Text } from '@mantine/core'
import type { QueryKey } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { type Told, useTell } from '../queries/ask.ts'
import { DialogButtons } from './dialog-buttons.tsx'
import { Failed } from './state-of.tsx'

/** Choices of {@link Confirm}. */
export interface ConfirmProps {
  readonly title: string
  /** The word on the button. */
  readonly action: string
  readonly told: Told
  /** Questions that are asked anew afterwards. */
  readonly outdated: readonly QueryKey[]
  readonly onClose: () => void
  /** What comes of it. */
  readonly children: ReactNode
}

/** The dialog; it stays where the server refuses, and says why. */
export function Confirm({ title, action, told, outdated, onClose, children }: ConfirmProps) {
  const tell = useTell<void>(outdated)
  return (
    <Modal opened onClose={onClose} title={title}>
      <Stack gap="sm">
        <Text>{children}</Text>
        {tell.error === null ? null : <Failed error={tell.error} />}
        <DialogButtons
          onClose={onClose}
          submit={action}
          color="red"
          loading={tell.isPending}
          onClick={() => tell.mutate(told, { onSuccess: onClose })}
          data-autofocus
        />
      </Stack>
    </Modal>
  )
}
