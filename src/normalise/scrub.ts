/**
 * Secrets are taken out at the door: a log that leaks tokens is a target itself. Each kind has one pattern, written for
 * RE2, and becomes `[redacted:kind]`. The raw archive keeps what was received, under its own protection.
 */
import { lit } from '../engine/sql.ts'

/** One kind of secret. `keep` is the number of the group that is not secret and stays. */
interface SecretKind {
  readonly kind: string
  /** RE2 pattern; group 1, if any, is put back before the mark. */
  readonly pattern: string
  readonly source: string
}

/** Names that announce a secret value, with the quote that may close them. */
const PASSWORD_NAME = `(?:password|passwd|pwd|client[._-]?secret|secret[._-]?key|api[_-]?key|(?:access|refresh)_?token)[\\\\"']{0,3}`

/** Order matters: a more telling kind first, the catch-all last. */
export const SECRET_KINDS: readonly SecretKind[] = [
  {
    kind: 'databricks_token',
    pattern: '(?i)()(?:dapi|dkea|dose|dsapi|dptok)[0-9a-f]{32,}(?:-\\d)?',
    source: 'docs.databricks.com personal access tokens, OAuth secrets',
  },
  {
    kind: 'jwt',
    pattern: '()eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]*',
    source: 'RFC 7519 compact serialisation',
  },
  { kind: 'aws_access_key', pattern: '\\b()(?:AKIA|ASIA)[A-Z0-9]{16}\\b', source: 'AWS IAM identifiers' },
  {
    kind: 'aws_secret_key',
    pattern: '(?i)((?:aws|s3[an]?)[._-]?secret[._-]?(?:access[._-]?)?key[\\\\"\'\\s:=,]{1,8})[A-Za-z0-9/+]{40}',
    source: 'AWS IAM secret access key; Hadoop S3A options in a Spark configuration',
  },
  {
    kind: 'azure_account_key',
    pattern:
      '(?i)((?:(?:Account|SharedAccess)Key=|fs\\.azure\\.account\\.key(?:\\.[a-z0-9-]+)*[\\\\"\'\\s:=,]{1,8}))[A-Za-z0-9+/]{20,}={0,2}',
    source: 'Azure storage and service bus connection strings; Hadoop ABFS options in a Spark configuration',
  },
  {
    kind: 'azure_client_secret',
    pattern: '\\b()[A-Za-z0-9_~.-]{3}\\dQ~[A-Za-z0-9_~.-]{31,}',
    source: 'Microsoft Entra client secrets',
  },
  // Some encoders write & as \u0026.
  {
    kind: 'azure_sas',
    pattern: '((?:[?&;]|u0026)sig=)[A-Za-z0-9%/+]{20,}(?:=|%3D)*',
    source: 'Azure shared access signature',
  },
  {
    kind: 'private_key',
    pattern: '()-----BEGIN [A-Z ]*PRIVATE KEY-----[\\s\\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)',
    source: 'PEM; also inside a GCP service account key',
  },
  { kind: 'gcp_api_key', pattern: '\\b()AIza[0-9A-Za-z_-]{35}', source: 'Google API keys' },
  {
    kind: 'github_token',
    pattern: '\\b()(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})',
    source: 'GitHub token formats',
  },
  { kind: 'gitlab_token', pattern: '\\b()glpat-[A-Za-z0-9_-]{20,}', source: 'GitLab personal access tokens' },
  { kind: 'slack_token', pattern: '\\b()xox[abeoprs]-[A-Za-z0-9-]{10,}', source: 'Slack token types' },
  {
    kind: 'url_password',
    pattern: '(?i)([a-z][a-z0-9+.-]{0,30}://[^\\s/:@"\\\\]{1,64}:)[^\\s/@"\\\\]{1,128}@',
    source: 'RFC 3986 userinfo',
  },
  {
    kind: 'aws_signature',
    pattern: '(?i)(X-Amz-(?:Signature|Security-Token)=)[A-Za-z0-9%/+=_-]{16,}',
    source: 'AWS Signature Version 4 in a presigned URL',
  },
  { kind: 'huggingface_token', pattern: '\\b()hf_[A-Za-z0-9]{30,}', source: 'Hugging Face access tokens' },
  { kind: 'ai_key', pattern: '\\b()sk-[A-Za-z0-9_-]{20,}', source: 'OpenAI and Anthropic API keys' },
  {
    kind: 'sql_password',
    pattern: "(?i)(\\b(?:password|identified\\s+by)\\s+\\\\*')[^'\\\\]+",
    source: 'SQL: CREATE USER … PASSWORD, IDENTIFIED BY, OPTIONS (password …)',
  },
  { kind: 'bearer', pattern: '(?i)(\\bBearer\\s+)[A-Za-z0-9._~+/-]{20,}=*', source: 'RFC 6750' },
  {
    kind: 'password',
    pattern: `(?i)(${PASSWORD_NAME}\\s*[=:]\\s*\\\\*")[^"\\\\{[][^"\\\\]{2,}`,
    source: 'JSON and option lists, between double quotes',
  },
  {
    kind: 'password',
    pattern: `(?i)(${PASSWORD_NAME}\\s*[=:]\\s*\\\\*')[^'\\\\{[][^'\\\\]{2,}`,
    source: 'option lists, between single quotes',
  },
  {
    kind: 'password',
    pattern: `(?i)(${PASSWORD_NAME}\\s*=\\s*)\\{[^{}]+\\}`,
    source: 'ODBC connection strings: braces quote a value',
  },
  {
    kind: 'password',
    pattern: `(?i)(${PASSWORD_NAME}\\s*[=:]\\s*)[^\\s;,&"'\\\\\\[{}]{3,}`,
    source: 'connection strings and option lists',
  },
]

/** Parameter names whose whole value is a secret, whatever it looks like: an RE2 pattern for the whole name. */
export const SECRET_KEY =
  '(?i)(?:[a-z]+_?)?(?:password|passwd|pwd)|(?:client|shared|app)_?secret|secret_?(?:value|key|access_?key)|string_value|bytes_value|token_?value|(?:(?:personal_?)?(?:access|refresh|api|auth|bearer)_?)?token|(?:api|private)_?key'

/**
 * A text at least one alternative of which stands in every secret the patterns know. Short alternatives and no counted
 * repetition: one small automaton that runs over every event, eight times as fast as a substring search for each.
 */
const HINTS =
  '(?i)ds?api|dkea|dose|dptok|eyj|akia|asia|secret|(?:api[_-]?|private[_ ]?|account\\.)key|key=|q~|sig=|aiza|gh[pousr]_|github_pat|glpat|xox|bearer|x-amz-|hf_|sk-|identified|passw|pwd|token[\\x1f"\'\\\\\\s:=]|(?:_|token)value|://[^/\\s]*@'

/** In the text of the parameters a name stands before chr(31) and after chr(30). */
const KEYED = `(?:^|\\x1e)(?:${SECRET_KEY})\\x1f[^\\x1e]`

const ANY_SECRET = [...SECRET_KINDS.map(({ pattern }) => pattern), KEYED].map((pattern) => `(?:${pattern})`).join('|')

/** True when the text holds a secret; the exact patterns run only over what the hints find. NULL for NULL. */
export const hasSecretSql = (text: string): string =>
  `CASE WHEN regexp_matches(${text}, ${lit(HINTS)}) THEN regexp_matches(${text}, ${lit(ANY_SECRET)}) ELSE false END`

/** The text with every secret replaced by its mark. */
export const scrubSql = (text: string): string =>
  SECRET_KINDS.reduce(
    (sql, { kind, pattern }) =>
      `regexp_replace(${sql}, ${lit(pattern)}, ${lit(kind === 'url_password' ? '\\1[redacted:url_password]@' : `\\1[redacted:${kind}]`)}, 'g')`,
    text,
  )

/** How many marks the text holds. */
export const redactionsSql = (text: string): string =>
  `coalesce((length(${text}) - length(replace(${text}, '[redacted:', ''))) // 10, 0)`

/** The patterns as this language writes them: case folding is a flag. */
const SCRIPT_KINDS = SECRET_KINDS.map(({ kind, pattern }) => ({
  kind,
  expression: new RegExp(pattern.replace(/^\(\?i\)/, ''), pattern.startsWith('(?i)') ? 'gi' : 'g'),
}))

/** As {@link scrubSql}, for the few texts that never reach the engine's columns, such as the bytes of a reject. */
export const scrubText = (text: string): string =>
  SCRIPT_KINDS.reduce(
    (scrubbed, { kind, expression }) =>
      scrubbed.replace(expression, kind === 'url_password' ? '$1[redacted:url_password]@' : `$1[redacted:${kind}]`),
    text,
  )
