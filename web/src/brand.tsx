/** The name and its mark: a course of bricks, one of them followed. */

/** The mark with the name. */
export function Brand() {
  return (
    <span className="brand">
      <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
        <g className="brand-brick">
          <rect x="2" y="5" width="15" height="6" rx="1.4" />
          <rect x="20" y="5" width="10" height="6" rx="1.4" />
          <rect x="2" y="13" width="8" height="6" rx="1.4" />
          <rect x="2" y="21" width="18" height="6" rx="1.4" />
          <rect x="23" y="21" width="7" height="6" rx="1.4" />
        </g>
        <rect className="brand-trail" x="13" y="13" width="17" height="6" rx="1.4" />
      </svg>
      Bricktrail
    </span>
  )
}
