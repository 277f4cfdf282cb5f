/** What this site sets of a rule. The rule's file stays as it is. */
import { Button, Group, NativeSelect, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { RuleDetail, RuleOverride } from '../../../../src/serve/shapes/rules.ts'
import { LEVELS } from '../../parts/levels.ts'
import { MayButton, useWhyNot } from '../../parts/may.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain, visibleText } from '../../parts/plain.tsx'
import { Failed } from '../../parts/state-of.tsx'
import { keyOf, useTell } from '../../queries/ask.ts'
import { isSame, readValue, textOf } from './parameter-values.ts'

type Parameter = RuleDetail['parameters'][number]
type Level = RuleDetail['level']

const SHORTEST_REASON = 3

/** On or off, level and parameters; nothing is changed without a reason. */
export function RuleSettings({ rule }: { readonly rule: RuleDetail }) {
  const whyNot = useWhyNot('rules:change', 'change rules')
  const queries = useQueryClient()
  const [enabled, setEnabled] = useState(rule.enabled)
  const [level, setLevel] = useState<Level>(rule.level)
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({})
  const [reason, setReason] = useState('')
  const change = useTell<RuleDetail>([['rules']])
  const { parameters, wrong } = changedParameters(rule, typed)
  const isChanged = enabled !== rule.enabled || level !== rule.level || Object.keys(parameters).length > 0
  const reset = () => {
    setEnabled(rule.enabled)
    setLevel(rule.level)
    setTyped({})
    setReason('')
    change.reset()
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const body: RuleOverride = {
      reason: reason.trim(),
      ...(enabled === rule.enabled ? {} : { enabled }),
      ...(level === rule.level ? {} : { level }),
      ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
    }
    const path = `/rules/${encodeURIComponent(rule.id)}`
    const after = await change.mutateAsync({ method: 'PUT', path: `${path}/override`, body }).catch(() => null)
    if (after === null) return
    queries.setQueryData(keyOf(path), after)
    notifications.show({ title: 'Changed', message: visibleText(rule.title), color: 'teal', autoClose: 2500 })
    reset()
  }
  return (
    <Panel
      title="Settings of this site"
      note="Written to detect.yaml with the reason; the rule's own file stays as it is"
    >
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap="sm">
          <Group gap="xl" align="flex-end">
            <NativeSelect
              label="Level"
              value={level}
              disabled={whyNot !== null}
              onChange={(event) => setLevel(event.currentTarget.value as Level)}
              data={LEVELS.toReversed()}
            />
            <Switch
              label={enabled ? 'On' : 'Off: makes no findings'}
              checked={enabled}
              disabled={whyNot !== null}
              onChange={(event) => setEnabled(event.currentTarget.checked)}
              mb={6}
            />
          </Group>
          {rule.parameters.map((parameter) => (
            <ParameterField
              key={parameter.name}
              parameter={parameter}
              typed={typed[parameter.name] ?? textOf(parameter.value)}
              isWrong={wrong.includes(parameter.name)}
              isOff={whyNot !== null}
              onChange={(text) => setTyped({ ...typed, [parameter.name]: text })}
            />
          ))}
          {whyNot === null ? null : (
            <Text size="xs" c="dimmed">
              {whyNot}
            </Text>
          )}
          {isChanged || wrong.length > 0 ? (
            <>
              <TextInput
                label="Reason"
                description="Stands in detect.yaml beside the change."
                value={reason}
                onChange={(event) => setReason(event.currentTarget.value)}
                maxLength={500}
                required
              />
              {change.error === null ? null : <Failed error={change.error} />}
              <Group justify="flex-end" gap="xs">
                <Button variant="default" onClick={reset}>
                  Leave as it is
                </Button>
                <Button
                  type="submit"
                  loading={change.isPending}
                  disabled={reason.trim().length < SHORTEST_REASON || wrong.length > 0 || !isChanged}
                >
                  Change
                </Button>
              </Group>
            </>
          ) : null}
          <SetBy rule={rule} />
          <TakeBack rule={rule} whyNot={whyNot} />
        </Stack>
      </form>
    </Panel>
  )
}

/** Parameters that were typed anew. What is typed as the usual value takes the site's own back. */
function changedParameters(rule: RuleDetail, typed: Readonly<Record<string, string>>) {
  const parameters: Record<string, unknown> = {}
  const wrong: string[] = []
  for (const { name, value, usual } of rule.parameters) {
    const text = typed[name]
    if (text === undefined || text === textOf(value)) continue
    const read = readValue(text, usual)
    if (read === null) wrong.push(name)
    else if (!isSame(read.value, value)) parameters[name] = isSame(read.value, usual) ? null : read.value
  }
  return { parameters, wrong }
}

function ParameterField({
  parameter,
  typed,
  isWrong,
  isOff,
  onChange,
}: {
  readonly parameter: Parameter
  readonly typed: string
  readonly isWrong: boolean
  readonly isOff: boolean
  readonly onChange: (text: string) => void
}) {
  const { name, usual, reason, overridden } = parameter
  const isList = Array.isArray(usual)
  const said = [
    reason ?? '',
    overridden ? `Set here; usually ${isList ? usual.map(String).join(', ') || 'empty' : textOf(usual)}.` : '',
    isList ? 'One entry a line.' : '',
  ].filter((text) => text !== '')
  const shared = {
    label: <Plain text={name} />,
    description: <Plain text={said.join(' ')} />,
    value: typed,
    disabled: isOff,
    error: isWrong ? `Write ${typeof usual === 'number' ? 'a number' : 'a value'}, such as ${textOf(usual)}.` : null,
    inputWrapperOrder: ['label', 'input', 'error', 'description'] as ('label' | 'input' | 'error' | 'description')[],
  }
  return isList ? (
    <Textarea {...shared} autosize minRows={2} maxRows={8} onChange={(event) => onChange(event.currentTarget.value)} />
  ) : (
    <TextInput {...shared} maw={320} onChange={(event) => onChange(event.currentTarget.value)} />
  )
}

/** Who set something of the rule, and why. */
function SetBy({ rule }: { readonly rule: RuleDetail }) {
  if (rule.set.length === 0) return null
  return (
    <Stack gap={2}>
      {rule.set.map(({ day, who, why }) => (
        <Text key={`${day} ${who} ${why}`} size="xs" c="dimmed">
          <Plain text={`${day}, ${who}: ${why}`} />
        </Text>
      ))}
    </Stack>
  )
}

/** Takes everything back that was set here, in one step. */
function TakeBack({ rule, whyNot }: { readonly rule: RuleDetail; readonly whyNot: string | null }) {
  const change = useTell<RuleDetail>([['rules']])
  if (!rule.overridden) return null
  const body: RuleOverride = {
    enabled: true,
    level: null,
    parameters: Object.fromEntries(
      rule.parameters.filter(({ overridden }) => overridden).map(({ name }) => [name, null]),
    ),
    reason: 'Taken back to the rule as shipped',
  }
  return (
    <>
      {change.error === null ? null : <Failed error={change.error} />}
      <Group>
        <MayButton
          variant="default"
          whyNot={whyNot}
          loading={change.isPending}
          onPress={() => change.mutate({ method: 'PUT', path: `/rules/${encodeURIComponent(rule.id)}/override`, body })}
        >
          Take back to the rule as shipped
        </MayButton>
      </Group>
    </>
  )
}
