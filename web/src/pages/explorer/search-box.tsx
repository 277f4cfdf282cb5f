/** The search box: coloured by its parts, completed from the lake's own values. */
import { Tooltip } from '@mantine/core'
import { type KeyboardEvent, type Ref, useEffect, useId, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { Icon } from '../../parts/icon.tsx'
import { Plain } from '../../parts/plain.tsx'
import type { Search } from '../../queries/events.ts'
import { numberOf } from '../../times.ts'
import { type Completion, useCompletions } from './completions.ts'
import { partsOf } from './search-language.ts'
import './search-box.css'

/** Why a search is not understood. */
export interface Refusal {
  readonly message: string
  readonly hint: string
  readonly from: number
  readonly to: number
}

/** Choices of {@link SearchBox}. */
export interface SearchBoxProps {
  /** The search that holds. */
  readonly search: Search
  readonly onSearch: (q: string) => void
  /** What the server said against it, and about which letters. */
  readonly refusal: Refusal | null
  readonly inputRef: Ref<HTMLInputElement>
}

/** The search box. */
export function SearchBox({ search, onSearch, refusal, inputRef }: SearchBoxProps) {
  const [text, setText] = useState(search.q)
  const [caret, setCaret] = useState(search.q.length)
  const [isOpen, setOpen] = useState(false)
  const [chosen, setChosen] = useState(-1)
  const paint = useRef<HTMLDivElement>(null)
  const listId = useId()
  const noteId = useId()
  // The address may change behind the box: back, a facet, a saved search.
  useEffect(() => setText(search.q), [search.q])
  const completions = useCompletions(isOpen ? text : null, caret, search)
  const shown = isOpen ? completions : []
  const wrong = partsOf(text).find((part) => part.wrong !== null && !(caret >= part.start && caret <= part.end))
  const refused = text === search.q ? refusal : null
  const note = wrong?.wrong ?? refused?.message ?? null

  const submit = (next: string) => {
    setText(next)
    setOpen(false)
    onSearch(next.trim())
  }
  const take = (input: HTMLInputElement, { start, end, insert }: Completion) => {
    const next = text.slice(0, start) + insert + text.slice(end)
    const place = start + insert.length
    setChosen(-1)
    // At once, so that the next letter goes to its place however fast it is typed.
    flushSync(() => {
      setText(next)
      setCaret(place)
    })
    input.focus()
    input.setSelectionRange(place, place)
    if (insert.endsWith(' ')) setOpen(false)
  }
  const onKey = (event: KeyboardEvent<HTMLInputElement>) => {
    const input = event.currentTarget
    const choice = shown[chosen]
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (shown.length === 0) return setOpen(true)
      event.preventDefault()
      // One place more than there are options: none of them.
      const places = shown.length + 1
      const next = (chosen + (event.key === 'ArrowDown' ? 1 : -1) + places) % places
      setChosen(next === shown.length ? -1 : next)
    } else if ((event.key === 'Enter' || event.key === 'Tab') && choice !== undefined) {
      event.preventDefault()
      take(input, choice)
    } else if (event.key === 'Enter') submit(text)
    else if (event.key === 'Escape') {
      event.preventDefault()
      if (shown.length > 0) setOpen(false)
      else input.blur()
    }
  }
  return (
    <div className="search">
      <div className={`search-field ${note === null ? '' : 'search-wrong'}`}>
        <Icon name="explorer" size={15} />
        <div className="search-line">
          <div ref={paint} className="search-paint" aria-hidden="true">
            <Painted text={text} refused={refused} />
          </div>
          <input
            ref={inputRef}
            type="text"
            role="combobox"
            aria-label="Search events"
            aria-expanded={shown.length > 0}
            aria-controls={listId}
            aria-autocomplete="list"
            aria-describedby={noteId}
            aria-invalid={note !== null}
            {...(shown[chosen] === undefined ? {} : { 'aria-activedescendant': `${listId}-${chosen}` })}
            placeholder="actor:ana@… status:unauthorized -service:notebook &quot;some text&quot;"
            value={text}
            maxLength={4000}
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="off"
            onChange={(event) => {
              setText(event.currentTarget.value)
              setCaret(event.currentTarget.selectionStart ?? 0)
              setOpen(true)
              setChosen(-1)
            }}
            onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
            onScroll={(event) => {
              if (paint.current !== null) paint.current.scrollLeft = event.currentTarget.scrollLeft
            }}
            onFocus={() => setOpen(true)}
            onBlur={() => setOpen(false)}
            onKeyDown={onKey}
          />
        </div>
        {text === '' ? (
          <kbd className="search-key">/</kbd>
        ) : (
          <Tooltip label="Clear the search">
            <button type="button" className="search-clear" aria-label="Clear the search" onClick={() => submit('')}>
              <Icon name="close" size={12} />
            </button>
          </Tooltip>
        )}
        {text.trim() === search.q ? null : (
          <button type="button" className="search-go" onClick={() => submit(text)}>
            Search
          </button>
        )}
      </div>
      <div id={noteId} className="search-note" role="status">
        {note === null ? null : <Plain text={note} />}
      </div>
      {shown.length === 0 ? null : (
        <div id={listId} role="listbox" aria-label="Completions" className="search-list">
          {shown.map((completion, at) => (
            <Option
              key={`${completion.insert} ${completion.label}`}
              id={`${listId}-${at}`}
              completion={completion}
              isChosen={at === chosen}
              onTake={(input) => take(input, completion)}
            />
          ))}
        </div>
      )}
    </div>
  )
}

function Option({
  id,
  completion,
  isChosen,
  onTake,
}: {
  readonly id: string
  readonly completion: Completion
  readonly isChosen: boolean
  readonly onTake: (input: HTMLInputElement) => void
}) {
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the box keeps the focus and says which option is meant
    // biome-ignore lint/a11y/useKeyWithClickEvents: the box takes the keys
    <div
      id={id}
      role="option"
      aria-selected={isChosen}
      className="search-option"
      onPointerDown={(event) => event.preventDefault()}
      onClick={(event) => {
        const input = event.currentTarget.closest('.search')?.querySelector('input')
        if (input instanceof HTMLInputElement) onTake(input)
      }}
    >
      <span className="search-option-name">
        <Plain text={completion.label} />
      </span>
      <span className="quiet">{completion.count === null ? completion.note : numberOf(completion.count)}</span>
    </div>
  )
}

/** The text in colours, letter under letter with the box. */
function Painted({ text, refused }: { readonly text: string; readonly refused: Refusal | null }) {
  let at = 0
  const painted = partsOf(text).map((part) => {
    const gap = text.slice(at, part.start)
    at = part.end
    const isWrong = part.wrong !== null || (refused !== null && part.start < refused.to && part.end > refused.from)
    return (
      <span key={part.start}>
        {gap}
        <span className={isWrong ? 'paint-wrong' : ''}>
          <span className={part.negated ? 'paint-not' : 'paint-field'}>{text.slice(part.start, part.valueStart)}</span>
          <span className={part.field === null ? 'paint-word' : 'paint-value'}>
            {text.slice(part.valueStart, part.end)}
          </span>
        </span>
      </span>
    )
  })
  return (
    <>
      {painted}
      {text.slice(at)}
    </>
  )
}
