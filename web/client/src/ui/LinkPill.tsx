// The quiet words about the connection, and about whether anything is kept; they must not act on it.
import { linkState, model } from "../app/store";
import { historyOf } from "../state/keeping";
import { clock, w } from "../words";
import { Icon } from "./icons";

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

/** Only a user of the site expects that anything is kept. */
export function KeptPill() {
  const now = model.value;
  if (!now || now.user.guest || now.kept || !historyOf(now.settings).keep) return null;
  return <span class="pill unkept" role="status" title={w.talk.unkeptTitle} data-testid="not-kept"><Icon name="warn" size={14} />{w.talk.unkept}</span>;
}
