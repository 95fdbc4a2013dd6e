// Skips drawing a component whose properties are the same; it must not compare deeply.
import { Component, h, type FunctionComponent, type VNode } from "preact";

export function memo<P extends object>(draw: FunctionComponent<P>): FunctionComponent<P> {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const old = this.props as Record<string, unknown>;
      const fresh = next as Record<string, unknown>;
      for (const key in fresh) if (fresh[key] !== old[key]) return true;
      for (const key in old) if (!(key in fresh)) return true;
      return false;
    }
    override render(): VNode {
      return h(draw as FunctionComponent, this.props as object);
    }
  }
  return Memo as unknown as FunctionComponent<P>;
}
