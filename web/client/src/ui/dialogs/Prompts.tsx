// Questions and notices of the networks: what was asked for as a dialog, all else as cards beside the work; it must not answer by itself.
import { aside, asked, putOff } from "../../app/prompts";
import { phase } from "../../app/store";
import { arrangement, onTalk } from "../../app/windows";
import { w } from "../../words";
import { AuthorizationCard } from "./Authorization";
import { enter } from "./Card";
import { NoticeCard, NoticeDialog } from "./Notice";
import { RequestCard, RequestDialog } from "./Request";

/** The oldest ones show, the others wait behind them. */
const most = (): number => (arrangement.value === "desk" ? 2 : 1);

function Cards() {
  const all = aside.value;
  const shown = all.slice(0, most());
  if (shown.length === 0) return null;
  return (
    <section class={`prompts prompts-${arrangement.value === "stack" && !onTalk.value ? "foot" : arrangement.value}`} aria-label={w.request.label} data-testid="prompts" onFocusIn={enter}>
      {shown.map((prompt, at) => {
        switch (prompt.kind) {
          case "request":
            return <RequestCard key={prompt.key} id={prompt.key} request={prompt.of} at={at} />;
          case "authorization":
            return <AuthorizationCard key={prompt.key} id={prompt.key} authorization={prompt.of} at={at} />;
          case "notice":
            return <NoticeCard key={prompt.key} id={prompt.key} notice={prompt.of} at={at} />;
        }
      })}
      {all.length > shown.length && (
        <p class="prompts-more" data-testid="prompts-more">
          <span>{w.request.further(all.length - shown.length)}</span>
          <button type="button" class="text-link" onClick={() => putOff(all.map((one) => one.key))}>{w.request.allLater}</button>
        </p>
      )}
    </section>
  );
}

function Current() {
  const prompt = asked.value;
  if (!prompt) return null;
  switch (prompt.kind) {
    case "request":
      return <RequestDialog key={prompt.key} request={prompt.of} onLater={() => putOff([prompt.key])} />;
    case "notice":
      return <NoticeDialog key={prompt.key} notice={prompt.of} onLater={() => putOff([prompt.key])} />;
    case "authorization":
      return null;
  }
}

export function Prompts() {
  return phase.value.kind === "in" ? <><Cards /><Current /></> : null;
}
