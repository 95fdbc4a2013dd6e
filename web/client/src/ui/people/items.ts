// Builds the menu entries about a stranger and about a person in a room. Does not carry them out (see deeds.ts).
import { accounts, buddies } from "../../app/store";
import type { Talk } from "../../state/model";
import type { Member } from "../../wire/types";
import { w } from "../../words";
import { memberDo, strangerDo } from "../later";
import type { Item } from "../Menu";
import type { Deed } from "./deeds";

const able = (talk: Talk, feature: string): boolean => accounts.value.get(talk.account)?.features.includes(feature) === true;

const blockItem = (blocked: boolean, testid: string, run: (deed: Deed) => void): Item =>
  blocked ? { label: w.list.unblock, icon: "check", testid: `${testid}-unblock`, run: () => run("unblock") } : { label: w.list.block, icon: "block", testid: `${testid}-block`, run: () => run("block") };

export function strangerItems(talk: Talk): Item[] {
  return [
    { label: w.list.addBuddy, icon: "people", testid: "talk-add", run: () => strangerDo("add", talk) },
    ...(able(talk, "block") ? [blockItem(talk.blocked === true, "talk", (deed) => strangerDo(deed, talk))] : []),
  ];
}

/** Entries about a person in a room; about the user only the card that others can see. */
export function memberItems(talk: Talk, member: Member): Item[] {
  const run = (deed: Deed) => memberDo(deed, talk, member);
  const info: Item = { label: w.talk.info, icon: "info", testid: "member-info", run: () => run("info") };
  if (member.flags?.includes("self")) return able(talk, "info") ? [info] : [];
  const buddy = member.buddy ? buddies.value.get(member.buddy) : undefined;
  return [
    { label: w.talk.message, icon: "chat", testid: "member-write", run: () => run("write") },
    ...(able(talk, "info") ? [info] : []),
    ...(buddy ? [] : [{ label: w.list.addBuddy, icon: "people", testid: "member-add", run: () => run("add") } as const]),
    ...(able(talk, "block") ? [blockItem(buddy?.blocked === true, "member", run)] : []),
  ];
}
