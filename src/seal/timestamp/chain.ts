/** From the certificate of a timestamp authority to a certificate that the reader trusts, as of the time of the stamp. */
import { X509Certificate } from 'node:crypto'
import { BasicConstraints, Certificate } from 'pkijs'

/** Longer chains than this are nobody's; they only make a search slow. */
const MAX_CHAIN = 8
/** Certificates looked at in one search, so that a token full of cross-signed ones ends it. */
const MAX_STEPS = 200

const BASIC_CONSTRAINTS = '2.5.29.19'
/** Basic constraints, key usage, extended key usage, certificate policies: what may be critical, since it is looked at or harmless. */
const UNDERSTOOD: ReadonlySet<string> = new Set([BASIC_CONSTRAINTS, '2.5.29.15', '2.5.29.37', '2.5.29.32'])

/** The certificates of a PEM file. */
export function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => new X509Certificate(block))
}

/**
 * Looks for a chain from `leaf` through `others` to one of `trusted`, each certificate signed by the next and valid at
 * `time`. Revocation is not looked up: that needs the network, and says nothing about a time before it.
 *
 * @returns undefined if there is one, else why not
 */
export function chainFault(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
  time: Date,
): string | undefined {
  const isTrusted = (certificate: X509Certificate) => trusted.some((one) => one.raw.equals(certificate.raw))
  const candidates = [...trusted, ...others]
  let steps = 0
  let fault = `no chain from "${nameOf(leaf)}" to a certificate of the CA file`
  const reaches = (certificate: X509Certificate, depth: number): boolean => {
    steps += 1
    if (!isValidAt(certificate, time)) {
      fault = `the certificate "${nameOf(certificate)}" was not valid at ${time.toISOString()}`
      return false
    }
    if (isTrusted(certificate)) return true
    if (depth >= MAX_CHAIN || steps > MAX_STEPS) return false
    return candidates.some(
      (issuer) =>
        issuer.ca && isIssuedBy(certificate, issuer) && allows(issuer, depth - 1) && reaches(issuer, depth + 1),
    )
  }
  return reaches(leaf, 1) ? undefined : fault
}

/** Common name of a certificate's subject, or all of the subject. */
export const nameOf = (certificate: X509Certificate): string =>
  /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.subject.replaceAll('\n', ', ')

const isValidAt = (certificate: X509Certificate, time: Date): boolean =>
  certificate.validFromDate.getTime() <= time.getTime() && time.getTime() <= certificate.validToDate.getTime()

/** Whether an issuer may stand above so many certificates of authorities, and asks for nothing unknown (RFC 5280 §4.2). */
function allows(issuer: X509Certificate, between: number): boolean {
  const extensions = Certificate.fromBER(issuer.raw).extensions ?? []
  if (extensions.some(({ critical, extnID }) => critical && !UNDERSTOOD.has(extnID))) return false
  const constraints: unknown = extensions.find(({ extnID }) => extnID === BASIC_CONSTRAINTS)?.parsedValue
  if (!(constraints instanceof BasicConstraints)) return true
  const limit = constraints.pathLenConstraint
  return typeof limit !== 'number' || between <= limit
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  } catch {
    return false
  }
}
