/** Verifies an RFC 3161 timestamp with nothing but the answer, the checkpoint and the authority's CA file. No network. */
import { hash, X509Certificate } from 'node:crypto'
import { type Attribute, Certificate, ContentInfo, ExtKeyUsage, SignedData, TimeStampResp, TSTInfo } from 'pkijs'
import { messageOf } from '../../core/errors.ts'
import { certificatesOf, chainFault, nameOf } from './chain.ts'
import { imprintOf, loggedNote } from './imprint.ts'

/** A timestamp that holds. */
export interface Timestamp {
  readonly ok: true
  /** What the authority says the time was. */
  readonly time: Date
  /** The authority's name in its certificate. */
  readonly tsa: string
  /** Serial number of the stamp, hexadecimal. */
  readonly serial: string
  /** The nonce it answers, hexadecimal; a stamp without one may be of an earlier request. */
  readonly nonce: string | undefined
}

/** A timestamp that proves nothing, and why. */
export interface BadTimestamp {
  readonly ok: false
  readonly reason: string
}

const SIGNED_DATA = '1.2.840.113549.1.7.2'
/** RFC 5652 §5.1, for content that is not plain data. */
const SIGNED_DATA_VERSION = 3
const TST_INFO = '1.2.840.113549.1.9.16.1.4'
const SHA256 = '2.16.840.1.101.3.4.2.1'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'
const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12'
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47'
/** Digests that a signature may be made over; SHA-1 and MD5 are not among them. */
const DIGESTS: Readonly<Record<string, string>> = {
  [SHA256]: 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}
/** PKIStatus granted and grantedWithMods (RFC 3161 §2.4.2). */
const GRANTED: ReadonlySet<number> = new Set([0, 1])
const OCTET_STRING = 4
const SEQUENCE = 16

/** What is used of a parsed ASN.1 value. */
interface Asn1 {
  readonly idBlock: { readonly tagNumber: number }
  readonly valueBlock: {
    readonly value?: readonly Asn1[]
    readonly valueHexView?: Uint8Array
    toString(): string
  }
}

/** Ends a verification; its message is the reason. */
class Refusal extends Error {}

function must(holds: boolean, reason: string): asserts holds {
  if (!holds) throw new Refusal(reason)
}

/**
 * Verifies that an authority stamped a checkpoint.
 *
 * @param tsr the raw answer (`TimeStampResp`, DER)
 * @param note the signed note; cosignatures in it do not count (see `loggedNote`)
 * @param caPem certificates that are trusted, PEM
 */
export async function verifyTimestamp(
  tsr: Uint8Array,
  note: Uint8Array,
  caPem: string,
): Promise<Timestamp | BadTimestamp> {
  try {
    return await verified(tsr, note, caPem)
  } catch (cause) {
    if (cause instanceof Refusal) return { ok: false, reason: cause.message }
    return { ok: false, reason: `not a timestamp that can be read: ${messageOf(cause)}` }
  }
}

async function verified(tsr: Uint8Array, note: Uint8Array, caPem: string): Promise<Timestamp> {
  const signed = signedDataOf(tsr)
  const content = signed.encapContentInfo.eContent?.getValue()
  must(signed.encapContentInfo.eContentType === TST_INFO && content !== undefined, 'the answer holds no timestamp')
  const info = TSTInfo.fromBER(content)
  const { hashAlgorithm, hashedMessage } = info.messageImprint
  must(hashAlgorithm.algorithmId === SHA256, 'the imprint is no SHA-256')
  const imprint = imprintOf(note)
  must(imprint.equals(hashedMessage.valueBlock.valueHexView), 'it is of another checkpoint')
  const certificate = await signer(signed, note)
  checkUse(certificate)
  const leaf = new X509Certificate(Buffer.from(certificate.toSchema().toBER()))
  checkSignedCertificate(signed, leaf)
  const fault = chainFault(leaf, embedded(signed), trustedOf(caPem), info.genTime)
  must(fault === undefined, fault ?? '')
  return {
    ok: true,
    time: info.genTime,
    tsa: nameOf(leaf),
    serial: Buffer.from(info.serialNumber.valueBlock.valueHexView).toString('hex'),
    nonce: info.nonce && Buffer.from(info.nonce.valueBlock.valueHexView).toString('hex'),
  }
}

function signedDataOf(tsr: Uint8Array): SignedData {
  must(isWholeDer(tsr), 'not a timestamp: no DER, or something after it')
  const { status, timeStampToken } = TimeStampResp.fromBER(tsr)
  must(GRANTED.has(status.status), `the authority refused: status ${status.status}`)
  must(timeStampToken instanceof ContentInfo, 'the answer holds no timestamp')
  must(timeStampToken.contentType === SIGNED_DATA, 'the answer is not signed')
  const signed = new SignedData({ schema: timeStampToken.content })
  must(signed.version === SIGNED_DATA_VERSION, 'the version of the signed data is not 3')
  must(signed.signerInfos.length === 1, `${signed.signerInfos.length} signers where there must be one`)
  const digest = signed.signerInfos[0]?.digestAlgorithm.algorithmId
  must(
    signed.digestAlgorithms.some(({ algorithmId }) => algorithmId === digest),
    'the digest of the signature is not among those announced',
  )
  return signed
}

/** The certificate whose key signed; pkijs checks the signature over the attributes, and their digest of the content. */
async function signer(signed: SignedData, note: Uint8Array): Promise<Certificate> {
  const [info] = signed.signerInfos
  const attributes = info?.signedAttrs?.attributes ?? []
  must(info !== undefined && info.digestAlgorithm.algorithmId in DIGESTS, 'signed over a weak or unknown digest')
  must(oneOf(attributes, CONTENT_TYPE).valueBlock.toString() === TST_INFO, 'the signature is of something else')
  const { signatureVerified, signerCertificate } = await signed
    .verify({ signer: 0, data: exactBuffer(note), checkChain: false, extendedMode: true })
    .catch((cause: unknown) => {
      throw new Refusal(`the signature does not hold: ${messageOf(cause)}`)
    })
  must(signatureVerified === true && signerCertificate instanceof Certificate, 'the signature does not hold')
  return signerCertificate
}

/** RFC 3161 §2.3: the key is for timestamps, only for them, and says so critically. */
function checkUse(certificate: Certificate): void {
  const extension = certificate.extensions?.find(({ extnID }) => extnID === EXTENDED_KEY_USAGE)
  const usage: unknown = extension?.parsedValue
  must(
    extension?.critical === true &&
      usage instanceof ExtKeyUsage &&
      usage.keyPurposes.length === 1 &&
      usage.keyPurposes[0] === TIME_STAMPING,
    'the certificate that signed is not one for timestamps',
  )
}

/** The signature names its certificate (RFC 2634, RFC 5816), so that no other of the same key can stand in for it. */
function checkSignedCertificate(signed: SignedData, leaf: X509Certificate): void {
  const attributes = signed.signerInfos[0]?.signedAttrs?.attributes ?? []
  const second = attributes.some(({ type }) => type === SIGNING_CERTIFICATE_V2)
  const value = oneOf(attributes, second ? SIGNING_CERTIFICATE_V2 : SIGNING_CERTIFICATE)
  const parts = value.valueBlock.value?.[0]?.valueBlock.value?.[0]?.valueBlock.value ?? []
  const algorithm = parts[0]?.idBlock.tagNumber === SEQUENCE ? parts[0].valueBlock.value?.[0] : undefined
  const digest = second ? DIGESTS[algorithm?.valueBlock.toString() ?? SHA256] : 'sha1'
  const named = parts.find(({ idBlock }) => idBlock.tagNumber === OCTET_STRING)?.valueBlock.valueHexView
  must(
    digest !== undefined && named !== undefined && hash(digest, leaf.raw, 'buffer').equals(named),
    'the signature names another certificate',
  )
}

/** The one value of the one attribute of a type. */
function oneOf(attributes: readonly Attribute[], type: string): Asn1 {
  const found = attributes.filter((attribute) => attribute.type === type)
  const values = (found[0]?.values ?? []) as readonly Asn1[]
  const [value] = values
  must(found.length === 1 && values.length === 1 && value !== undefined, `the signature has not one attribute ${type}`)
  return value
}

function trustedOf(caPem: string): X509Certificate[] {
  try {
    const certificates = certificatesOf(caPem)
    must(certificates.length > 0, 'the CA file holds no certificate')
    return certificates
  } catch (cause) {
    throw cause instanceof Refusal ? cause : new Refusal(`the CA file cannot be read: ${messageOf(cause)}`)
  }
}

const embedded = (signed: SignedData): X509Certificate[] =>
  (signed.certificates ?? [])
    .filter((one) => one instanceof Certificate)
    .map((one) => new X509Certificate(Buffer.from(one.toSchema().toBER())))

const exactBuffer = (note: Uint8Array): ArrayBuffer => new Uint8Array(loggedNote(note)).buffer

/** Whether the bytes are one definite-length SEQUENCE with nothing after it. */
function isWholeDer(bytes: Uint8Array): boolean {
  const [tag, first = 0] = bytes
  if (tag !== 0x30 || first === 0x80) return false
  if (first < 0x80) return bytes.length === first + 2
  const lengthBytes = first & 0x7f
  if (lengthBytes > 4 || bytes.length < 2 + lengthBytes) return false
  return bytes.length === 2 + lengthBytes + Buffer.from(bytes).readUIntBE(2, lengthBytes)
}
