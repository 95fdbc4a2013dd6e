// The quiet word about the connection; it must not act on it.
import { linkState } from "../app/store";
import { clock, w } from "../words";

export function LinkPill({ onlyTrouble }: { onlyTrouble?: boolean }) {
  const state = linkState.value;
  if (state.kind === "idle" || state.kind === "refused" || (onlyTrouble && state.kind !== "offline")) return null;
  const text = state.kind === "live" ? w.link.live : state.kind === "catching-up" ? w.link.catchingUp : w.link.offlineSince(clock(state.since));
  return (
    <span class={`pill link-${state.kind}`} role="status" aria-label={`${w.link.label}: ${text}`} data-testid="link" data-state={state.kind}>
      <i class={`dot dot-${state.kind === "live" ? "online" : state.kind === "offline" ? "offline" : "away"}`} />{text}
    </span>
  );
}
