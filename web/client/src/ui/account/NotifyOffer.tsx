// Whether one wants to be told of what comes while the page is not in front: asked once, after something came; it must not ask the browser unasked.
import { decline, offered, turnOn } from "../../app/notify";
import { w } from "../../words";

export function NotifyOffer() {
  if (!offered.value) return null;
  return (
    <div class="notify-offer" role="status" data-testid="notify-offer">
      <span>{w.notes.offer}</span>
      <button type="button" class="text-link" data-testid="notify-on" onClick={() => void turnOn()}>{w.notes.turnOn}</button>
      <button type="button" class="text-link quiet" data-testid="notify-no" onClick={decline}>{w.notes.notNow}</button>
    </div>
  );
}
