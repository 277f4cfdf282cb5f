/** Names of countries, as the browser knows them. */

const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'code' })

/** The English name for an ISO 3166 alpha-2 code; the code itself where there is none. */
export function countryName(code: string): string {
  try {
    return names.of(code.toUpperCase()) ?? code
  } catch {
    return code
  }
}
