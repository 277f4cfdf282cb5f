/** Where attackers come from and what they use: nothing of it occurs in ordinary life. */

/** Anonymisers, cheap hosting, far countries. */
export const HOSTILE = {
  tor: '185.220.101.34',
  torUs: '23.129.64.5',
  russia: '45.155.205.12',
  moscowHome: '95.25.30.2',
  nigeria: '102.89.33.10',
  china: '222.186.30.5',
  malaysia: '103.75.190.3',
  northKorea: '175.45.176.5',
  relay: '146.70.10.10',
  hostingDe: '159.65.120.4',
  hostingUs: '45.33.32.156',
} as const

/** Clients attackers use. */
export const HOSTILE_AGENT = {
  headless:
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36',
  linux: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  requests: 'python-requests/2.32.3',
  curl: 'curl/8.5.0',
  go: 'Go-http-client/2.0',
  trufflehog: 'TruffleHog/3.90.8',
} as const
