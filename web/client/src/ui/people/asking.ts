// Profiles that cards on this page have asked their networks for; it must not draw, nor send what was not asked for.
import { signal } from "@preact/signals";
import { takeProfiles } from "../../app/prompts";
import { notices, tell } from "../../app/store";
import { cardFor, type Asking } from "../../state/profile";
import type { Notice } from "../../wire/types";
import type { Whom } from "./facts";

/** libpurple gives up asking after 30 s; milliseconds. */
export const PATIENCE = 35_000;

interface Asked extends Asking { key: number; account: string; until: number }
let asked: Asked[] = [];
let last = 0;

/** The notice that each card shows, by the card's number. */
export const told = signal<ReadonlyMap<number, string>>(new Map());

export function expect({ account, name }: Whom): number {
  const key = ++last;
  asked = [...asked.filter((one) => Date.now() < one.until), { key, account, name, until: Date.now() + PATIENCE, closed: false }];
  return key;
}

/** Ends a card, and closes its notice. Before the answer has come, the notice is awaited and closed then. */
export function leave(key: number): void {
  const notice = told.peek().get(key);
  if (notice === undefined) {
    asked = asked.map((one) => (one.key === key ? { ...one, closed: true } : one));
    return;
  }
  asked = asked.filter((one) => one.key !== key);
  told.value = new Map([...told.peek()].filter(([one]) => one !== key));
  if (notices.peek().has(notice)) tell("notice.close", { notice });
}

function cardOf(notice: Notice): Asked | undefined {
  const ours = asked.filter((one) => one.account === notice.account && Date.now() < one.until);
  return cardFor(ours, notice.profile?.name ?? notice.title);
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
