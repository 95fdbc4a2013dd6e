// What shows in the page's place while it has nothing to show because of what stands between it and its server; it must not judge that.
import { link } from "../../app/store";
import type { CallError } from "../../net";
import { errorText, w } from "../../words";
import { useSettled } from "../focus";
import { Logo } from "../icons";
import { Problem } from "./problem";

/** `stopped`: the page does not try again by itself. */
export function Stuck({ error, stopped }: { error: CallError; stopped: boolean }) {
  useSettled([stopped]);
  return (
    <main class="front">
      <div class="card narrow" data-testid="stuck" data-code={error.code}>
        <section class="card-right">
          <span class="logo"><Logo />{w.app}</span>
          <h1 class="stuck" tabIndex={-1}>{stopped ? w.front.stuck : w.front.notYet}</h1>
          <Problem text={errorText(error)} />
          {stopped
            ? <button type="button" class="primary big" onClick={() => link.again()} data-testid="stuck-again">{w.retry}</button>
            : <p class="lead">{w.front.triesAgain}</p>}
          {error.status > 0 && <p class="alt">{w.front.status(error.status)}</p>}
        </section>
      </div>
    </main>
  );
}
