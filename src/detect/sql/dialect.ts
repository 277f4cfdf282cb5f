/**
 * The words a rule's tree is rendered in. Everything that engines spell differently goes through here, so that another engine
 * is another object of this shape.
 *
 * All arguments and results are SQL, unless the name says otherwise. No expression may fail on any row: what cannot be
 * read is NULL.
 */
import type { TimePart } from '../sigma/tree.ts'

/** An engine's way of saying things. */
export interface Dialect {
  readonly name: string

  /** A literal. */
  readonly text: (value: string) => string
  readonly identifier: (name: string) => string

  /** Lower case, character by character, as {@link foldedText} does it here. */
  readonly lower: (x: string) => string
  readonly replace: (x: string, from: string, to: string) => string
  readonly startsWith: (x: string, part: string) => string
  readonly endsWith: (x: string, part: string) => string
  readonly contains: (x: string, part: string) => string
  /** True of the texts that are these parts, given as text, with anything between. No part has a % or _ in it. */
  readonly inOrder: (x: string, parts: readonly string[]) => string
  /** True where the RE2 pattern given as text matches anywhere. */
  readonly regex: (x: string, pattern: string) => string

  /** Numbers, truth values and times as text. */
  readonly asText: (x: string) => string
  /** Text as a floating point number, NULL if it is none: optional sign, digits, point, exponent; blanks around it. */
  readonly asNumber: (text: string) => string
  /** ISO text as a time, UTC where it names no zone; NULL if it is none. */
  readonly asTime: (text: string) => string
  /**
   * The same, and also seconds, milliseconds, microseconds or nanoseconds since 1970, by how large the number is. Numbers below 1e8 (1973)
   * are no time, such as a day written 20261101.
   */
  readonly asAnyTime: (text: string) => string
  readonly epochMs: (time: string) => string
  readonly timePart: (part: TimePart, time: string) => string

  /**
   * IPv4 as 8, IPv6 as 32 hexadecimal digits in lower case; NULL if the text is no address of that version. A port, brackets and a zone
   * are none of the address, and IPv4 in the words of IPv6 (`::ffff:192.0.2.9`) is of both.
   */
  readonly ipv4: (text: string) => string
  readonly ipv6: (text: string) => string

  /** True where a test holds for an element; `test` gets the element. `name` is a word used in no expression around it. */
  readonly any: (list: string, name: string, test: (element: string) => string) => string
  /** Elements for which a test holds. */
  readonly filter: (list: string, name: string, test: (element: string) => string) => string
  /** True where a value is one of many texts, which are given as they are; as quick for many as for few. */
  readonly among: (x: string, texts: readonly string[]) => string
  /** True where {@link among} is true of what `key` makes of an element. */
  readonly anyAmong: (list: string, name: string, key: (element: string) => string, texts: readonly string[]) => string
  /** True where no element has a value. */
  readonly isEmpty: (list: string) => string
  readonly list: (elements: readonly string[]) => string
  /** What makes of a row as many as there are values; in a SELECT's list. */
  readonly eachOf: (values: readonly string[]) => string
  /** Elements that are not NULL, in order. */
  readonly present: (elements: readonly string[]) => string
  readonly joinTexts: (list: string, between: string) => string
  /** Members of the structs of a list. */
  readonly pluck: (list: string, member: string) => string
  readonly listHas: (list: string, element: string) => string
  /** Each element as text. */
  readonly asTexts: (list: string) => string
  /** One text of several with line breaks between; NULL ones are left out. */
  readonly lines: (texts: readonly string[]) => string

  readonly mapValue: (map: string, key: string) => string
  readonly mapHas: (map: string, key: string) => string
  readonly mapValues: (map: string) => string
  /** The keys in lower case. */
  readonly mapFoldedKeys: (map: string) => string
  /** The value whose key in lower case, as {@link mapFoldedKeys} gives them, is this. */
  readonly mapValueFolded: (map: string, foldedKeys: string, key: string) => string

  /** Text as JSON, NULL if it is none. */
  readonly asJson: (text: string) => string
  /** A member as text, nested JSON as JSON text; NULL for null and where there is none. */
  readonly jsonText: (json: string, path: readonly string[]) => string
  /** Several members at once, as a list of what {@link jsonText} gives for each. */
  readonly jsonParts: (json: string, paths: readonly (readonly string[])[]) => string
  /** An element of a list, counted from 0. */
  readonly element: (list: string, at: number) => string
  /** True where the member is there, null or not, through any element of lists on the way. */
  readonly jsonHas: (json: string, path: readonly string[]) => string
  /** The texts at a path, any element of each list on the way and at its end; NULL for none. */
  readonly jsonTexts: (json: string, path: readonly string[]) => string
  /** Several lists of texts as one; NULL where all are. */
  readonly jointTexts: (lists: readonly string[]) => string
  /** For several paths what stands there, as a list of `OBJECT`, `ARRAY` and names of plain kinds; NULL for nothing. */
  readonly jsonKinds: (json: string, paths: readonly (readonly string[])[]) => string
  /** Every value in it that is no object and no list, as text, one a line. */
  readonly jsonLeaves: (json: string) => string

  /** A value with named members, equal to one whose members are the same; NULL is the same as NULL. */
  readonly struct: (members: Readonly<Record<string, string>>) => string
  /** A number from 0 up to but not including `of`, the same for the same text. */
  readonly bucket: (x: string, of: number) => string
  /** NULL, as text. */
  readonly noText: string
  /** A map of texts. */
  readonly map: (entries: Readonly<Record<string, string>>) => string
  /** At most so many characters from the start. */
  readonly left: (x: string, length: number) => string
  /** The rows of a relation for which a condition holds, told after its columns are worked out, not before. */
  readonly where: (relation: string, condition: string) => string

  /** A span of time. */
  readonly seconds: (count: number) => string
  /** Different values of `x` in a window; NULL is none. */
  readonly distinctOver: (x: string, window: string) => string
  /** The value below which a share (0 to 1) of `x` in a window lies, between two values where it falls between them. */
  readonly quantileOver: (x: string, share: number, window: string) => string
  /** One number for several values, the same for the same; others may have it too. */
  readonly hashOf: (values: readonly string[]) => string
  /** A fingerprint of a text, as hexadecimal digits. */
  readonly digest: (x: string) => string
  /** Values of `x` of a group in the order of `by`, at most so many. */
  readonly firstOf: (x: string, by: string, most: number) => string

  /** True where two 64-bit numbers have a bit in common. */
  readonly bitsMeet: (x: string, bits: bigint) => string
  /** The bits that a 64-bit number has of these. */
  readonly bitsOf: (x: string, bits: bigint) => string
  readonly bitOr: (numbers: readonly string[]) => string

  /** Values of a map for a list of keys, in the order of the list; NULL where there is none. */
  readonly valuesOf: (map: string, keys: string) => string
  /** A map of a list of keys and a list of values as long. */
  readonly mapOfLists: (keys: string, values: string) => string
  /** Each element of a list of texts in lower case. */
  readonly foldedTexts: (list: string) => string
  /** A list of texts as JSON text. */
  readonly jsonOfTexts: (list: string) => string
  /** What {@link jsonOfTexts} was made of. */
  readonly textsOfJson: (json: string) => string
  /** The time that is so many milliseconds after the epoch. */
  readonly timeOfMs: (ms: string) => string
  /**
   * A time within a day before or after `since`, and a text, as one text: of those of the same `since` the least is that of the first time,
   * and of these the one with the least text. Without a time it is the text alone.
   */
  readonly atTime: (since: string, time: string, text: string) => string
  /** What {@link atTime} was made of. */
  readonly timeAt: (since: string, x: string) => string
  readonly textAt: (since: string, x: string) => string
  /** The clock and calendar of a zone (its name of the time zone database) at a time. */
  readonly clockIn: (zone: string, time: string) => string
  /** Of a clock: minutes since midnight, and the day of the week from 1 for Monday to 7. */
  readonly minuteOfDay: (clock: string) => string
  readonly dayOfWeek: (clock: string) => string

  /** The middle of a list of numbers, between two of them where their count is even. */
  readonly listMedian: (list: string) => string
  readonly listMean: (list: string) => string
  /** How far each number of a list lies from `x`. */
  readonly listDistances: (list: string, x: string) => string
  /** A list of numbers with noughts added until it has `count` elements. */
  readonly listPadded: (list: string, count: string) => string
  /** The highest number but so many (0: the highest), NULL where there are fewer. */
  readonly listHighest: (list: string, but: number) => string
  /** The first elements of a list, at most so many. */
  readonly listStart: (list: string, most: string) => string
}

/** Lower case of a text, one character for each, as {@link Dialect.lower} gives it. */
export const foldedText = (text: string): string => [...text].map((char) => [...char.toLowerCase()][0] ?? char).join('')
