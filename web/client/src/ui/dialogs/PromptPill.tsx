// How many questions are put off, and the way back to them; it must not show them.
import { bringBack, waiting } from "../../app/prompts";
import { w } from "../../words";
import { Icon } from "../icons";

export function PromptPill() {
  if (waiting.value.length === 0) return null;
  return <button type="button" class="pill alert" data-testid="prompts-waiting" onClick={bringBack}><Icon name="help" size={14} />{w.request.waiting(waiting.value.length)}</button>;
}
