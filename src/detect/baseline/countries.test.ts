import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { installedDatabases } from '../../enrich/network-table.ts'
import { COUNTRIES } from './countries.ts'

const byCode = new Map(COUNTRIES.map((country) => [country.code, country]))

describe('countries', () => {
  it('are all that the database of networks knows', () => {
    const files = installedDatabases().country?.files ?? []
    expect(files).not.toEqual([])
    const known = new Set(files.flatMap((file) => readFileSync(file, 'utf8').match(/,[A-Z]{2}$/gm) ?? []))
    expect(known.size).toBeGreaterThan(200)
    expect([...known].map((code) => code.slice(1)).filter((code) => !byCode.has(code))).toEqual([])
  })

  it('lie on Earth, and are no larger than it', () => {
    const wrong = COUNTRIES.filter(
      ({ lat, lon, radiusKm }) => !(Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && radiusKm > 0 && radiusKm <= 2500),
    )
    expect(wrong).toEqual([])
    expect(COUNTRIES.length).toBe(byCode.size)
  })

  it('lie in their quarter of the world', () => {
    const quarter = (code: string): string => {
      const { lat = 0, lon = 0 } = byCode.get(code) ?? {}
      return `${lat > 0 ? 'N' : 'S'}${lon > 0 ? 'E' : 'W'}`
    }
    expect(['DE', 'CN', 'JP', 'IN', 'KE', 'NO'].map(quarter)).toEqual(Array(6).fill('NE'))
    expect(['US', 'CA', 'MX', 'IE', 'PT', 'SN', 'CO'].map(quarter)).toEqual(Array(7).fill('NW'))
    expect(['BR', 'AR', 'PE', 'CL', 'UY'].map(quarter)).toEqual(Array(5).fill('SW'))
    expect(['AU', 'NZ', 'ZA', 'MG', 'ID', 'AO'].map(quarter)).toEqual(Array(6).fill('SE'))
  })
})
