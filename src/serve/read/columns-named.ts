/** Which columns a statement may use, told from its text: what it does not name need not be masked. */

/**
 * A test of column names: true for those that stand in the text as a word, for all where it takes all columns. Texts of literals count
 * too, so that it may say yes too often and never no wrongly.
 */
export function columnsNamedIn(sql: string): (name: string) => boolean {
  if (sql.replaceAll(/count\(\s*\*\s*\)/gi, '').includes('*')) return () => true
  const words = new Set(sql.toLowerCase().match(/[a-z_][a-z0-9_]*/g) ?? [])
  return (name) => words.has(name.toLowerCase())
}
