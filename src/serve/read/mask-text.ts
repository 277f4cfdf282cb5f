/**
 * Masks as SQL over text: e-mail addresses become keyed pseudonyms, addresses their network. A lambda costs the
 * engine more to make ready than to run, so that they stand only behind a test that few values pass.
 */
import { lit } from '../../engine/sql.ts'

/** How `@` is written: plainly, in a URL or a URL inside one, in JSON of a JSON, in full width. */
const AT = '(?:@|%40|%2540|\\\\u0040|＠)'
/** Marks that end words in URLs, JSON and lists. Classes of Unicode would take a hundred times as long to make ready. */
const ENDS = '\\s@"\'<>(),;:\\[\\]{}|=&?/\\\\%'
const DOMAIN = `(?:[^${ENDS}.]+[.])*[^${ENDS}.]+`
/** Letters that JSON escapes are letters, an apostrophe stands in names, and what is quoted may hold anything. */
const LETTERS = `(?:\\\\+u[0-9A-Fa-f]{4}|[^${ENDS}])+`
const LOCAL = `(?:"[^"@]{1,64}"|${LETTERS}(?:'${LETTERS})*)`
const MAIL = `${LOCAL}${AT}${DOMAIN}`
/** A value that is an e-mail address and nothing else, with a domain that is no address. A text that ends in one is none. */
const WHOLE_MAIL = `[^${ENDS}]+@(?:[^${ENDS}.]+[.])*[^${ENDS}.0-9][^${ENDS}.]*`
/** As it stands where a name is expected: whatever comes before the domain is the person's. */
const NAMED_MAIL = `[^@]+@(?:[^${ENDS}.]+[.])*[^${ENDS}.0-9][^${ENDS}.]*`
/** Whatever may hold an e-mail address has one of these characters. */
export const MAIL_MARKS = ['@', '%', '\\', '＠'] as const
const mayHaveMail = (text: string): string =>
  `(${['@', '%40', '%2540', '\\u0040', '＠'].map((at) => `contains(${text}, ${lit(at)})`).join(' OR ')})`

const V4 = '(\\d{1,3}\\.\\d{1,3}\\.\\d{1,3})\\.\\d{1,3}'
/** Names that clouds give to hosts: ip-10-1-2-3. */
const V4_NAME = '(ip-\\d{1,3}-\\d{1,3}-\\d{1,3})-\\d{1,3}'
const H = '[0-9A-Fa-f]{1,4}'
/** IPv6 with `::` behind some groups, with `::` first, and in full; times of day are none of these. */
const V6_CUT = `((?:${H}:){0,2}${H})(?::${H})*::(?:${H}(?::${H})*)?`
const V6_SHORT = `(^|[^0-9A-Fa-f:])::${H}(?::${H})*`
const V6_FULL = `(${H}:${H}:${H})(?::${H}){5,}`
/** A regular expression, true for whatever one of them could match. */
export const MAY_HAVE_ADDRESS = `\\d[.]\\d{1,3}[.]\\d{1,3}[.]\\d|ip-\\d|::|(?::${H}){7}`

/** Digits of a pseudonym: 48 bits tell the people of any account apart. */
const PSEUDONYM_DIGITS = 12

/** SQL of the pseudonym of a text, without domain. */
const pseudonym = (text: string, key: string): string =>
  `'p-' || left(sha256(${lit(key)} || lower(${text})), ${PSEUDONYM_DIGITS})`

const wholeMail = (value: string, key: string): string =>
  `${pseudonym(value, key)} || regexp_replace(${value}, '^.*@', '@', 's')`

/** SQL: the name of a person, which has no domain to keep, or an e-mail address. `value` is a column or a name. */
export const maskedNameSql = (value: string, key: string): string =>
  `CASE WHEN ${value} = '' THEN '' WHEN regexp_full_match(${value}, ${lit(NAMED_MAIL)}) THEN ${wholeMail(value, key)}
    ELSE ${pseudonym(value, key)} END`

/** SQL: a text with every e-mail address in it replaced. `text` is a column or a name: it is written often. */
export function maskedMailSql(text: string, key: string): string {
  return `CASE WHEN NOT ${mayHaveMail(text)} THEN ${text}
    WHEN regexp_full_match(${text}, ${lit(WHOLE_MAIL)}) THEN ${wholeMail(text, key)} ELSE ${eachMail(text, key)} END`
}

function eachMail(text: string, key: string): string {
  const plain = "regexp_replace(m, '(%40|%2540|\\\\u0040|＠)', '@')"
  const domain = `regexp_replace(m, '^.*${AT}', '@', 's')`
  return eachMatch(text, MAIL, `${pseudonym(plain, key)} || ${domain}`)
}

/** SQL: a text with every address in it replaced by its network: /24, /48. */
export function maskedAddressSql(text: string): string {
  const steps: readonly (readonly [string, string])[] = [
    ['(?i)::ffff:(\\d+[.])', '\\1'],
    [V4, '\\1.0/24'],
    [V4_NAME, '\\1-0'],
    [V6_CUT, '\\1::/48'],
    [V6_SHORT, '\\1::/48'],
    [V6_FULL, '\\1::/48'],
    // The same network, however its zeros were written.
    ['(?::0{1,4})+::/48', '::/48'],
  ]
  const replaced = steps.reduce((value, [from, to]) => `regexp_replace(${value}, ${lit(from)}, ${lit(to)}, 'g')`, text)
  return `CASE WHEN regexp_matches(${text}, ${lit(MAY_HAVE_ADDRESS)}) THEN ${replaced} ELSE ${text} END`
}

/** In place of the dots of a version, for as long as addresses are looked for: a character that means nothing to anybody. */
const DOT = '\u{e0f0}'
/** `Chrome/141.0.0.0`: a name at the start of a word, and nothing behind the number that a version has not. */
const VERSION = `(^|[\\s(;,])([A-Za-z][A-Za-z0-9_-]*)/${Array(4).fill('(\\d{1,3})').join('[.]')}($|[\\s);,])`

/** SQL: a user agent, in which the numbers of products are versions and no addresses. @param text written once */
export function hidingVersionsSql(text: string): string {
  const hidden = `\\1\\2/${['\\3', '\\4', '\\5', '\\6'].join(DOT)}\\7`
  // Twice: what ends one product begins the next.
  const once = (value: string) => `regexp_replace(${value}, ${lit(VERSION)}, ${lit(hidden)}, 'g')`
  return once(once(text))
}

/** SQL: what {@link hidingVersionsSql} hid, as it was. */
export const showingVersionsSql = (text: string): string => `replace(${text}, ${lit(DOT)}, '.')`

/** SQL: both. The engine works out each value of a dictionary once, as long as no test before it picks rows: so few tests. */
export function maskedBothSql(text: string, key: string): string {
  const address = maskedAddressSql(text)
  return `CASE WHEN ${mayHaveMail(text)} THEN
    CASE WHEN regexp_full_match(${text}, ${lit(WHOLE_MAIL)}) THEN ${wholeMail(text, key)}
      ELSE list_transform([${eachMail(text, key)}], lambda t: ${maskedAddressSql('t')})[1] END
    ELSE ${address} END`
}

/** SQL: true where a text may hold something that is masked. */
export const mayHoldSql = (text: string, mail: boolean, address: boolean): string =>
  [
    ...(mail ? [mayHaveMail(text)] : []),
    ...(address ? [`regexp_matches(${text}, ${lit(MAY_HAVE_ADDRESS)})`] : []),
  ].join(' OR ')

/** SQL: `text` with each match replaced by `each`, an expression over `m`. Lambdas over a list of one give a value a name. */
function eachMatch(text: string, pattern: string, each: string): string {
  const between = `string_split_regex(${text}, ${lit(pattern)})`
  const joined = `array_to_string(list_transform(${between}, lambda piece, nth: CASE WHEN nth > len(found) THEN piece
    ELSE piece || list_transform([found[nth]], lambda m: ${each})[1] END), '')`
  return `list_transform([regexp_extract_all(${text}, ${lit(pattern)})], lambda found: ${joined})[1]`
}
