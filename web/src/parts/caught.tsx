/** Keeps a mistake of one page from taking the frame with it. */
import { Component, type ReactNode } from 'react'
import { Failed } from './state-of.tsx'

interface State {
  readonly error: unknown
}

/** Shows its children, or what one of them threw. */
export class Caught extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { error: null }

  static getDerivedStateFromError(error: unknown): State {
    return { error }
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children
    return <Failed error={this.state.error} onRetry={() => this.setState({ error: null })} />
  }
}
