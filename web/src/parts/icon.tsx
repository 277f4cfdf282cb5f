/** The page's own small set of line drawings, on a grid of 16. */

const PATHS = {
  overview: 'M2 13.5h12M4 11V7.5M8 11V3M12 11V5.5',
  explorer: 'M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10ZM10.7 10.7 14 14',
  zoomOut: 'M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10ZM10.7 10.7 14 14M4.8 7h4.4',
  alerts: 'M8 2a4 4 0 0 0-4 4c0 3.5-1.5 4.5-1.5 5.5h11c0-1-1.5-2-1.5-5.5a4 4 0 0 0-4-4ZM6.5 13.5a1.6 1.6 0 0 0 3 0',
  incidents: 'M8 2.2 14.3 13.3H1.7L8 2.2ZM8 6.5v3.2M8 11.4v.1',
  rules: 'M3 3.5h10M3 8h10M3 12.5h6M12.5 11v3M11 12.5h3',
  integrity: 'M8 1.8 13 3.6v4.2c0 3-2 5.2-5 6.4-3-1.2-5-3.4-5-6.4V3.6L8 1.8ZM5.8 8l1.6 1.6 3-3.2',
  operations: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1',
  sql: 'M3 4l3.5 4L3 12M8 12.5h5',
  admin: 'M8 8.2a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.5 14c.5-3 2.7-4.3 5.5-4.3S13 11 13.5 14',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.8V8l2.2 1.6',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  down: 'M3.5 6 8 10.5 12.5 6',
  right: 'M6 3.5 10.5 8 6 12.5',
  left: 'M10 3.5 5.5 8l4.5 4.5',
  up: 'M3.5 10 8 5.5l4.5 4.5',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  download: 'M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11',
  star: 'M8 2l1.8 3.8 4.2.6-3 2.9.7 4.2L8 11.5l-3.7 2 .7-4.2-3-2.9 4.2-.6L8 2Z',
  link: 'M6.5 9.5l3-3M7 4.5l1.5-1.4a2.9 2.9 0 0 1 4.2 4.1L11 8.9M9 11.5l-1.5 1.4a2.9 2.9 0 0 1-4.2-4.1L5 7.1',
  copy: 'M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1',
  eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
  columns: 'M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10',
  filter: 'M2 3.5h12L9.5 9v4l-3-1.5V9L2 3.5Z',
  refresh: 'M13.5 8A5.5 5.5 0 1 1 11.7 4M13.5 2v3h-3',
  lock: 'M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
  out: 'M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3',
  keyboard: 'M1.5 4h13v8h-13zM4 6.5h.1M7 6.5h.1M10 6.5h.1M12.2 6.5h.1M4.5 9.7h7',
  check: 'M3 8.5 6.5 12 13 4.5',
  play: 'M4.5 2.8v10.4L13 8 4.5 2.8Z',
  stop: 'M4 4h8v8H4z',
  note: 'M3 2.5h10v8l-3 3H3zM10 13.5v-3h3M5.5 5.5h5M5.5 8h3',
  bell: 'M8 2a4 4 0 0 0-4 4c0 3.5-1.5 4.5-1.5 5.5h11c0-1-1.5-2-1.5-5.5a4 4 0 0 0-4-4ZM2.5 2.5l11 11',
  person: 'M8 8.2a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.5 14c.5-3 2.7-4.3 5.5-4.3S13 11 13.5 14',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.3v3.4M8 5.2v.1',
  rise: 'M8 13.5V3M3.5 7.5 8 3l4.5 4.5',
  fall: 'M8 2.5V13M3.5 8.5 8 13l4.5-4.5',
  external: 'M9 2.5h4.5V7M13.5 2.5 7.5 8.5M11.5 9.5v4h-9v-9h4',
} as const

/** Name of a drawing. */
export type IconName = keyof typeof PATHS

/** A line drawing; what it means is said by the text beside it or the label around it. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  )
}
