/** A package with a name one letter off, on all clusters. */
import type { Scenario } from './contract.ts'

/** Library on all clusters. */
export const libraryOnAllClusters: Scenario = {
  id: 'library-on-all-clusters',
  title: 'Look-alike library installed on all clusters',
  expect: 'clusterLibraries.installLibraryOnAllClusters.',
  techniques: ['T1195.001', 'T1543'],
  rules: ['library-on-all-clusters'],
  play({ at, person, sit }) {
    const library = '{"pypi":{"package":"pandsa==2.2.9","repo":"https://pypi.halden-mirror.example/simple"}}'
    sit(person('admin'), at(14.9)).log('clusterLibraries', 'installLibraryOnAllClusters', { library })
  },
}
