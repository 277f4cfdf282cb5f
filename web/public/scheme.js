// Sets light or dark before the first paint, so that nobody is dazzled by the other. A file of its own: inline scripts are refused.
;(() => {
  let chosen = 'auto'
  try {
    chosen = localStorage.getItem('bricktrail-scheme') ?? 'auto'
  } catch {
    // Storage may be closed to the page; the system's own setting stands then.
  }
  const dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light')
})()
