/** Bars and lines over time, drawn by ECharts: only what is used of it, in a file that is loaded when a chart is shown. */
import { useComputedColorScheme } from '@mantine/core'
import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, TooltipComponent } from 'echarts/components'
import { type EChartsType, init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef, useState } from 'react'
import { useSettings, type Zone } from '../settings.tsx'
import { partsOf, shortNumberOf } from '../times.ts'
import { visibleText } from './plain.tsx'
import type { TimeChartProps } from './time-chart.tsx'

use([BarChart, LineChart, GridComponent, TooltipComponent, CanvasRenderer])

const GRID = { left: 44, right: 8, top: 8, bottom: 22 }

/** Shorter drags than this are clicks. */
const LEAST_DRAG_PX = 4

interface Drag {
  readonly fromPx: number
  readonly toPx: number
}

/** The chart itself; {@link TimeChart} loads it. */
export default function EChart(props: TimeChartProps) {
  const { height = 140, onSpan, label } = props
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<EChartsType>(null)
  const [drag, setDrag] = useState<Drag | null>(null)
  const scheme = useComputedColorScheme('light')
  const { zone } = useSettings()

  useEffect(() => {
    if (place.current === null) return
    const made = init(place.current, null, { renderer: 'canvas' })
    chart.current = made
    const observer = new ResizeObserver(() => made.resize())
    observer.observe(place.current)
    return () => {
      observer.disconnect()
      made.dispose()
    }
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read from the page, which changes with the scheme
  useEffect(() => {
    chart.current?.setOption(optionOf(props, zone), { notMerge: true, lazyUpdate: true })
  }, [props, scheme, zone])

  const timeAt = (px: number): number => Number(chart.current?.convertFromPixel({ xAxisIndex: 0 }, px) ?? 0)
  const placeOf = (clientX: number): number => {
    const box = place.current?.getBoundingClientRect()
    if (box === undefined) return 0
    return Math.min(box.width - GRID.right, Math.max(GRID.left, clientX - box.left))
  }
  const finish = () => {
    if (drag !== null && Math.abs(drag.toPx - drag.fromPx) >= LEAST_DRAG_PX) {
      const [from, to] = [drag.fromPx, drag.toPx].sort((a, b) => a - b).map(timeAt) as [number, number]
      onSpan?.(new Date(from).toISOString(), new Date(to).toISOString())
    }
    setDrag(null)
  }
  return (
    <div className="chart" style={{ height }}>
      <div ref={place} className="chart-canvas" role="img" aria-label={label} />
      {onSpan === undefined ? null : (
        <div
          className="chart-drag"
          data-testid="chart-drag"
          aria-hidden="true"
          onPointerDown={(event) => {
            if (event.button !== 0) return
            event.currentTarget.setPointerCapture(event.pointerId)
            setDrag({ fromPx: placeOf(event.clientX), toPx: placeOf(event.clientX) })
          }}
          onPointerMove={(event) => {
            const px = placeOf(event.clientX)
            if (drag !== null) setDrag({ fromPx: drag.fromPx, toPx: px })
            else chart.current?.dispatchAction({ type: 'showTip', x: px, y: height / 2 })
          }}
          onPointerUp={finish}
          onPointerCancel={() => setDrag(null)}
          onPointerLeave={() => chart.current?.dispatchAction({ type: 'hideTip' })}
        />
      )}
      {drag === null ? null : (
        <div
          className="chart-span"
          style={{ left: Math.min(drag.fromPx, drag.toPx), width: Math.abs(drag.toPx - drag.fromPx) }}
        />
      )}
    </div>
  )
}

/** A colour of the theme that holds now. */
const colorOf = (variable: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(variable).trim()

/** As many as theme.ts has. */
const SERIES_COLORS = 8

function optionOf({ series, fromMs, toMs, bucketMs, kind = 'bars' }: TimeChartProps, zone: Zone) {
  const line = colorOf('--line-soft')
  const axisText = { color: colorOf('--mantine-color-dimmed'), fontSize: 11, hideOverlap: true }
  return {
    animation: false,
    grid: GRID,
    textStyle: { fontFamily: 'inherit' },
    // Drawn on the canvas: text of events never becomes markup here.
    tooltip: {
      trigger: 'axis',
      renderMode: 'richText',
      confine: true,
      backgroundColor: colorOf('--panel'),
      borderColor: line,
      textStyle: {
        color: colorOf('--mantine-color-text'),
        fontSize: 12,
      },
      formatter: (at: readonly TooltipRow[]) => tooltipOf(at, zone),
    },
    xAxis: {
      type: 'time',
      min: fromMs,
      max: toMs,
      axisLine: { lineStyle: { color: line } },
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: { ...axisText, formatter: (ms: number) => axisLabelOf(ms, toMs - fromMs, zone) },
    },
    yAxis: {
      type: 'value',
      splitNumber: 3,
      minInterval: 1,
      axisLabel: { ...axisText, formatter: shortNumberOf },
      splitLine: { lineStyle: { color: line } },
    },
    series: series.map(({ name, points, tone }, at) => ({
      name: visibleText(name),
      type: kind === 'bars' ? 'bar' : 'line',
      ...(kind === 'bars'
        ? { stack: 'all', barMinWidth: 1, barMaxWidth: 28, barCategoryGap: '15%' }
        : { showSymbol: false, areaStyle: { opacity: 0.12 } }),
      color: seriesColor(name, tone, at),
      emphasis: { disabled: true },
      // A bar stands over its whole span rather than over its beginning.
      data: points.map(([ms, count]) => [kind === 'bars' ? ms + bucketMs / 2 : ms, count, ms]),
    })),
  }
}

function seriesColor(name: string, tone: string | undefined, at: number): string {
  if (tone !== undefined) return colorOf(`--${tone}`)
  return colorOf(name === 'other' ? '--series-other' : `--series-${at % SERIES_COLORS}`)
}

interface TooltipRow {
  readonly seriesName: string
  readonly data: readonly [number, number, number]
}

function tooltipOf(rows: readonly TooltipRow[], zone: Zone): string {
  const [first] = rows
  if (first === undefined) return ''
  const parts = partsOf(new Date(first.data[2]).toISOString(), zone)
  const counts = rows.filter(({ data }) => data[1] > 0).sort((a, b) => b.data[1] - a.data[1])
  const lines = counts.map(({ seriesName, data }) => `${seriesName}  ${data[1].toLocaleString('en-US')}`)
  return [`${parts?.day ?? ''} ${parts?.clock.slice(0, 5) ?? ''}`, ...lines].join('\n')
}

function axisLabelOf(ms: number, spanMs: number, zone: Zone): string {
  const parts = partsOf(new Date(ms).toISOString(), zone)
  if (parts === null) return ''
  const isMidnight = parts.clock.startsWith('00:00:00')
  if (spanMs > 3 * 86_400_000 || (isMidnight && spanMs > 86_400_000)) return parts.day.slice(5)
  return spanMs < 600_000 ? parts.clock.slice(0, 8) : parts.clock.slice(0, 5)
}
