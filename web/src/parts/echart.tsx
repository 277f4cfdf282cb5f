/** Bars over time, drawn by ECharts: only what is used of it, in a file that is loaded when a chart is shown. */
import { useComputedColorScheme } from '@mantine/core'
import { BarChart } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import { type EChartsType, init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef, useState } from 'react'
import { useSettings, type Zone } from '../settings.tsx'
import { numberOf, partsOf, shortNumberOf, timeOf } from '../times.ts'
import { Plain, visibleText } from './plain.tsx'
import { Swatch, type TimeChartProps } from './time-chart.tsx'

use([BarChart, GridComponent, CanvasRenderer])

const GRID = { left: 44, right: 8, top: 8, bottom: 22 }

/** Shorter drags than this are clicks. */
const LEAST_DRAG_PX = 4

interface Drag {
  readonly fromPx: number
  readonly toPx: number
}

interface Tip {
  readonly px: number
  readonly ms: number
}

/** The chart itself; {@link TimeChart} loads it. */
export default function EChart(props: TimeChartProps) {
  const { height = 140, onSpan, label } = props
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<EChartsType>(null)
  const [drag, setDrag] = useState<Drag | null>(null)
  const [tip, setTip] = useState<Tip | null>(null)
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
  const isRightOf = (px: number): boolean => px > (place.current?.clientWidth ?? 0) / 2
  return (
    <div className="chart" style={{ height }}>
      <div ref={place} className="chart-canvas" role="img" aria-label={label} />
      <div
        className={onSpan === undefined ? 'chart-over' : 'chart-over chart-drag'}
        data-testid="chart-drag"
        aria-hidden="true"
        onPointerDown={(event) => {
          if (event.button !== 0 || onSpan === undefined) return
          event.currentTarget.setPointerCapture(event.pointerId)
          const px = placeOf(event.clientX)
          setDrag({ fromPx: px, toPx: px })
          setTip(null)
        }}
        onPointerMove={(event) => {
          const px = placeOf(event.clientX)
          if (drag === null) setTip({ px, ms: timeAt(px) })
          else setDrag({ fromPx: drag.fromPx, toPx: px })
        }}
        onPointerUp={finish}
        onPointerCancel={() => setDrag(null)}
        onPointerLeave={() => setTip(null)}
      />
      {tip === null ? null : <ChartTip {...props} tip={tip} zone={zone} isRight={isRightOf(tip.px)} />}
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

function optionOf({ series, fromMs, toMs, bucketMs }: TimeChartProps, zone: Zone) {
  const line = colorOf('--line-soft')
  const axisText = { color: colorOf('--mantine-color-dimmed'), fontSize: 11, hideOverlap: true }
  return {
    animation: false,
    grid: GRID,
    textStyle: { fontFamily: 'inherit' },
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
    series: series.map(({ name, points }, at) => ({
      name: visibleText(name),
      type: 'bar',
      stack: 'all',
      barMinWidth: 1,
      barMaxWidth: 28,
      barCategoryGap: '15%',
      color: colorOf(name === 'other' ? '--series-other' : `--series-${at % SERIES_COLORS}`),
      emphasis: { disabled: true },
      // A bar stands over its whole span rather than over its beginning.
      data: points.map(([ms, count]) => [ms + bucketMs / 2, count]),
    })),
  }
}

/** What the bar under the pointer says; text of the page, so that names stay text. */
function ChartTip({
  series,
  bucketMs,
  tip,
  zone,
  isRight,
}: TimeChartProps & { readonly tip: Tip; readonly zone: Zone; readonly isRight: boolean }) {
  const starts = series.flatMap(({ points }) => points.map(([ms]) => ms))
  const start = starts.find((ms) => tip.ms >= ms && tip.ms < ms + bucketMs)
  if (start === undefined) return null
  const rows = series
    .map(({ name, points }, at) => ({ name, at, count: points.find(([ms]) => ms === start)?.[1] ?? 0 }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
  return (
    <div className={isRight ? 'chart-tip right' : 'chart-tip'} style={{ left: tip.px }}>
      <div className="quiet">{timeOf(new Date(start).toISOString(), zone).slice(0, 16)}</div>
      {rows.map(({ name, at, count }) => (
        <div key={name} className="chart-tip-row">
          <span>
            {series.length > 1 ? <Swatch name={name} at={at} /> : null} <Plain text={name} />
          </span>
          <span className="count">{numberOf(count)}</span>
        </div>
      ))}
    </div>
  )
}

function axisLabelOf(ms: number, spanMs: number, zone: Zone): string {
  const parts = partsOf(new Date(ms).toISOString(), zone)
  if (parts === null) return ''
  const isMidnight = parts.clock.startsWith('00:00:00')
  if (spanMs > 3 * 86_400_000 || (isMidnight && spanMs > 86_400_000)) return parts.day.slice(5)
  return spanMs < 600_000 ? parts.clock.slice(0, 8) : parts.clock.slice(0, 5)
}
