// Carries out the menu entries about a stranger or a person in a room; asks the network first for the name of a person in a room. Does not draw (see items.ts).
import { buddies, command } from "../../app/store";
import { openBuddy } from "../../app/windows";
import type { Talk } from "../../state/model";
import type { Member } from "../../wire/types";
import { errorText, w } from "../../words";
import { m } from "../../words/later";
import { toast } from "../Dialog";
import { addBuddyDialog } from "../dialogs/AddBuddy";
import { confirm } from "../dialogs/Ask";
import { personCard } from "./Card";
import type { Whom } from "./facts";

const p = m.people;
const say = (error: unknown): void => toast(errorText(error));

export type Deed = "write" | "info" | "add" | "block" | "unblock";

/** `inRoom`: the person was met in a room, where the user goes on to hear them. */
function block(whom: Whom, name: string, inRoom: boolean): void {
  confirm({
    title: p.blockTitle(name), text: inRoom ? p.blockRoomLead : p.blockLead, yes: w.list.block, danger: true,
    run: () => command("buddy.block", { account: whom.account, name: whom.name }).then(() => toast(p.nowBlocked(name))),
  });
}

function act(deed: Deed, whom: Whom, name: string, inRoom: boolean): void {
  switch (deed) {
    case "write":
      openBuddy(whom).catch(say);
      break;
    case "info":
      personCard({ ...whom, title: name });
      break;
    case "add":
      addBuddyDialog({ account: whom.account, name: whom.name, alias: name === whom.name ? "" : name });
      break;
    case "block":
      block(whom, name, inRoom);
      break;
    case "unblock":
      command("buddy.unblock", { account: whom.account, name: whom.name }).catch(say);
      break;
  }
}

/** Somebody with whom there is a conversation. */
export function strangerDo(deed: Deed, talk: Talk): void {
  act(deed, { account: talk.account, name: talk.name }, talk.title, false);
}

/** Somebody in a room. */
export function memberDo(deed: Deed, talk: Talk, member: Member): void {
  const known = member.buddy ? buddies.value.get(member.buddy) : undefined;
  const name = member.alias || member.name;
  if (known) return act(deed, { account: known.account, name: known.name, id: known.id }, name, true);
  command<{ member?: { address: string; real: boolean } }>("room.member", { conversation: talk.id, member: member.name }).then((result) => {
    const found = result?.member;
    if (!found) throw new Error(w.anyError);
    if (deed === "add" && !found.real) return toast(p.hidden(name));
    act(deed, { account: talk.account, name: found.address }, name, true);
  }).catch(say);
}
