// Profiles that cards on this page have asked their networks for; it must not draw, nor send what was not asked for.
import { signal } from "@preact/signals";
import { takeProfiles } from "../../app/prompts";
import { notices, tell } from "../../app/store";
import { fold } from "../../state/order";
import type { Notice } from "../../wire/types";
import type { Whom } from "./facts";

/** libpurple gives up asking after 30 s; milliseconds. */
export const PATIENCE = 35_000;

interface Asked { key: number; whom: Whom; until: number; closed: boolean }
let asked: Asked[] = [];
let last = 0;

/** By the number of the card: the notice that it shows. */
export const told = signal<ReadonlyMap<number, string>>(new Map());

export function expect(whom: Whom): number {
  const key = ++last;
  asked = [...asked.filter((one) => Date.now() < one.until), { key, whom, until: Date.now() + PATIENCE, closed: false }];
  return key;
}

/** The card is gone, and with it what it showed. What still comes is nobody's. */
export function leave(key: number): void {
  asked = asked.map((one) => (one.key === key ? { ...one, closed: true } : one));
  const notice = told.peek().get(key);
  if (notice === undefined) return;
  told.value = new Map([...told.peek()].filter(([one]) => one !== key));
  if (notices.peek().has(notice)) tell("notice.close", { notice });
}

const bare = (name: string): string => fold(name.split("/")[0] ?? name);

/** The card that a profile is for: by the name, which networks write in their own way, or else the only one of the account. */
function cardOf(notice: Notice): Asked | undefined {
  const name = notice.profile?.name ?? notice.title;
  const ours = asked.filter((one) => one.whom.account === notice.account && Date.now() < one.until);
  return ours.find((one) => fold(one.whom.name) === fold(name)) ?? ours.find((one) => bare(one.whom.name) === bare(name)) ?? (ours.length === 1 ? ours[0] : undefined);
}

takeProfiles((notice) => {
  const card = cardOf(notice);
  if (!card) return false;
  if (card.closed) {
    asked = asked.filter((one) => one !== card);
    tell("notice.close", { notice: notice.id });
    return true;
  }
  const before = told.peek().get(card.key);
  told.value = new Map(told.peek()).set(card.key, notice.id);
  if (before !== undefined && before !== notice.id) tell("notice.close", { notice: before });
  return true;
});
