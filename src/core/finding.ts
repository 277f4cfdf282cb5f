/**
 * The finding: one row of the lake's `findings` table. The table is append-only: a finding that grew is told again with a higher
 * revision, and the newest row of an id is the finding.
 */
import type { Column } from './event.ts'

const text = (name: string, doc: string): Column => ({ name, type: 'string', doc })
const time = (name: string, doc: string): Column => ({ name, type: 'timestamp', doc })

/** A finding keeps this many of its events by name; the count has them all. */
export const EVENTS_NAMED = 100

/** Columns of `findings`, in order. */
export const FINDING_COLUMNS: readonly Column[] = [
  text('finding_id', 'Fingerprint of rule, group and first event: the same however the events came in.'),
  { name: 'finding_date', type: 'date', doc: 'UTC day of `first_time`; the partition.' },
  { name: 'revision', type: 'integer', doc: 'From 1; the highest of an id is the finding as it is now.' },
  text('rule_id', 'Key of the rule: its id, else its name, else its title.'),
  text('rule_name', 'Name of the rule, where it has one.'),
  text('rule_version', 'Fingerprint of the rule as it was in force.'),
  text('rule_kind', 'detection, correlation or baseline.'),
  text('title', 'Title of the rule.'),
  text('level', 'informational, low, medium, high or critical.'),
  text('threat', 'Kind of threat, such as exfiltration; null where the rule does not say.'),
  { name: 'tags', type: { array: 'string' }, doc: 'Tags of the rule, such as attack.t1098.003.' },
  text('entity', 'Who or what it is about.'),
  text('entity_field', 'The field that the entity is a value of.'),
  { name: 'group', type: { map: ['string', 'string'] }, doc: 'What its events have in common, by field.' },
  time('first_time', 'Time of its first event.'),
  time('last_time', 'Time of its last event.'),
  time('detected_time', 'When this revision was told.'),
  { name: 'events', type: 'long', doc: 'How many events it has.' },
  {
    name: 'event_ids',
    type: { array: 'string' },
    doc: `Ids of its events, ${EVENTS_NAMED} at most, in order of time.`,
  },
  text('measure', 'For correlations what was measured at most, as text; null for other rules.'),
  text('summary', 'One sentence for people.'),
  {
    name: 'explanation',
    type: {
      array: {
        struct: [
          text('selection', 'Name of the selection, of the rule that was counted, or `baseline`.'),
          text('field', 'The field that was looked at, or what was measured.'),
          text('value', 'What it held.'),
        ],
      },
    },
    doc: 'Why: which selection matched which field with which value; what was counted; what is usual and what was met.',
  },
  {
    name: 'evidence',
    type: {
      array: {
        struct: [
          text('event_id', 'The event.'),
          text('file', 'Data file of `events` that it was committed in.'),
          { name: 'leaf', type: 'long', doc: 'Leaf of the seal that tells of that file; null where it is not sealed.' },
        ],
      },
    },
    doc: 'Where each event of `event_ids` stands, and which leaf of the seal vouches for it.',
  },
  text(
    'superseded_by',
    'The finding that this one turned out to be a part of; its own id where late events took it back; null for one that stands.',
  ),
]
