/** Single keys that do something on a page, and the dialog that lists them. */
import { Kbd, Modal, Table } from '@mantine/core'
import { useEffect, useRef } from 'react'

/** A key and what it does. */
export interface KeyDeed {
  /** As `KeyboardEvent.key` has it. */
  readonly key: string
  readonly label: string
  readonly run: () => void
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)) &&
  !(target instanceof HTMLInputElement && ['checkbox', 'radio'].includes(target.type))

/** Keys do nothing while somebody types, holds a modifier, or has a dialog open. */
export function useKeyMap(deeds: readonly KeyDeed[]): void {
  const latest = useRef(deeds)
  useEffect(() => {
    latest.current = deeds
  })
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      if (document.querySelector('[role="dialog"][aria-modal="true"], [role="menu"], [role="listbox"]') !== null) return
      const deed = latest.current.find(({ key }) => key === event.key)
      if (deed === undefined) return
      event.preventDefault()
      deed.run()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}

const NAMES: Readonly<Record<string, string>> = { ' ': 'Space', ArrowDown: '↓', ArrowUp: '↑' }

/** Lists the keys of a page. */
export function KeyHelp({
  deeds,
  opened,
  onClose,
}: {
  readonly deeds: readonly KeyDeed[]
  readonly opened: boolean
  readonly onClose: () => void
}) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys of this page" size="sm">
      <Table>
        <Table.Tbody>
          {deeds.map(({ key, label }) => (
            <Table.Tr key={key}>
              <Table.Td w={90}>
                <Kbd>{NAMES[key] ?? key}</Kbd>
              </Table.Td>
              <Table.Td>{label}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  )
}
