/** Whether somebody is at the page: what it asks while nobody is must not keep a session from ending. */

/** Reading takes a while without a movement; longer than this without one, nobody is counted on. */
export const AWAY_MS = 60_000

const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const

/** Watches for signs of somebody, the page's opening being the first; answers whether the last one is long ago. */
export function watchPresence(target: EventTarget, now: () => number = Date.now): () => boolean {
  let lastMs = now()
  const seen = () => {
    lastMs = now()
  }
  for (const sign of SIGNS) target.addEventListener(sign, seen, { capture: true, passive: true })
  return () => now() - lastMs > AWAY_MS
}
