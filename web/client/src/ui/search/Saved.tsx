// Searches that are kept: in the list with the number of new hits, and how one is kept; it must not search.
import { forget, save, savedAs, asked, seen } from "../../app/searching";
import { searches } from "../../app/store";
import type { SavedSearch } from "../../wire/types";
import { errorText } from "../../words";
import { m } from "../../words/later";
import { toast } from "../Dialog";
import { Icon } from "../icons";
import { searchDialog } from "./Search";

const say = (error: unknown): void => toast(errorText(error));

export function SaveButton() {
  const kept = savedAs(asked.value);
  return kept
    ? <button type="button" class="text-link" data-testid="search-forget" onClick={() => void forget(kept.id).catch(say)}>{m.search.forgetThis}</button>
    : <button type="button" class="text-link" data-testid="search-save" onClick={() => void save().catch(say)}>{m.search.save}</button>;
}

function open({ q, account, conversation, from, since, until, ...rest }: SavedSearch): void {
  seen({ q, account, conversation, from, since, until, ...rest });
  searchDialog({ q, ...(account ? { account } : {}), ...(conversation ? { conversation } : {}), ...(from ? { from } : {}), ...(since ? { since: day(since) } : {}), ...(until ? { until: day(until, -1) } : {}) });
}

/** The day of a moment here, some days later. */
function day(time: string, later = 0): string {
  const at = new Date(time);
  at.setDate(at.getDate() + later);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export function SavedSearches() {
  const all = [...searches.value.values()];
  if (all.length === 0) return null;
  return (
    <ul class="saved" aria-label={m.search.saved}>
      {all.map((one) => (
        <li key={one.id}>
          <button type="button" data-testid="saved-search" data-name={one.name} onClick={() => open(one)}>
            <Icon name="search" size={15} /><span dir="auto">{one.name}</span>
            {one.new > 0 && <span class="count" data-testid="saved-count" title={m.search.news(one.new)} aria-label={m.search.news(one.new)}>{one.new > 99 ? "99+" : one.new}</span>}
          </button>
          <button type="button" class="tool small" aria-label={m.search.forgetOne(one.name)} title={m.search.forgetOne(one.name)} data-testid="forget-search" onClick={() => void forget(one.id).catch(say)}><Icon name="close" size={13} /></button>
        </li>
      ))}
    </ul>
  );
}
