// Leads from a hit to its message: into the conversation, which is opened where that can be done without asking, else beside its surroundings.
import { jumpTo } from "../../app/jump";
import { accounts, command, talks } from "../../app/store";
import type { Hit as SearchHit } from "../../wire/types";
import { errorText } from "../../words";
import { m } from "../../words/later";
import { toast } from "../Dialog";
import { placeOf } from "./Hit";
import { surroundings } from "./Around";

/** Two frames after a dialog has closed, what was under it may take the focus. */
const settled = (): Promise<void> => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => done()))));

/** Shows the message of a hit; `close` puts the search place away. */
export function goTo(hit: SearchHit, close: () => void): void {
  const { room, name } = placeOf(hit);
  const known = talks.value.has(hit.conversation);
  // A room that one is not in is not joined just to read in it, and a conversation cannot be opened without a connection.
  if (!known && (room || accounts.value.get(hit.account)?.state !== "online")) return surroundings(hit, close);
  close();
  const ready = known ? Promise.resolve(hit.conversation) : command<{ conversation: string }>("conversation.open", { account: hit.account, name }).then((result) => result.conversation);
  Promise.all([ready, settled()])
    .then(([conversation]) => jumpTo(conversation, hit.message.id))
    .then((there) => { if (!there) toast(m.search.gone); })
    .catch((error: unknown) => toast(errorText(error)));
}
