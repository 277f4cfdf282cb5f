/** Parts of the address's path as they were before they were encoded. */

/**
 * The last part of a path. What the router gives is decoded by halves: it leaves `%40` and `%2F`, and has `%25` decoded already.
 * Read from the address itself, every name comes out as it went in.
 */
export function lastPart(path = window.location.pathname): string {
  const part = path.slice(path.lastIndexOf('/') + 1)
  try {
    return decodeURIComponent(part)
  } catch {
    // Typed by hand, and no encoding of anything.
    return part
  }
}
