// A message as a row of a log shows it, whether it has been told or is on its way; it must not draw.
import { accounts, outgoing, talks } from "../../app/store";
import type { Line, Outgoing, Talk } from "../../state/model";
import { fullTime, w } from "../../words";

/** `line`: the daemon knows it; `out`: it is on its way. */
export interface Said { talk: Talk; text: string; name: string; address: string; self: boolean; time: string; state: string; line?: Line; out?: Outgoing }

/** The user's own name: in a room the nick, else the account's alias or the part of its name that people say. */
function ownName(talk: Talk): string {
  const account = accounts.value.get(talk.account);
  return talk.nick || account?.alias || (account?.username ?? "").split(/[@/]/)[0] || w.talk.you;
}

/** The message of a row, by the key that the row has in the page. */
export function saidOf(id: string, key: string): Said | null {
  const talk = talks.value.get(id);
  if (!talk) return null;
  const line = (talk.past ?? talk).messages.find((one) => one.id === key) ?? talk.messages.find((one) => one.id === key);
  if (line) {
    const { from } = line;
    const self = from.self === true;
    const name = self ? ownName(talk) : talk.kind === "im" ? talk.title : from.alias || from.name;
    return { talk, text: line.text, name, address: self && talk.kind === "im" ? (accounts.value.get(talk.account)?.username ?? from.name) : from.name, self, time: line.time, state: line.state ?? (self ? "sent" : "received"), line };
  }
  const out = outgoing.value.get(id)?.find((one) => `out/${one.command}` === key);
  return out ? { talk, text: out.text, name: ownName(talk), address: accounts.value.get(talk.account)?.username ?? "", self: true, time: out.time, state: out.state, out } : null;
}

/** Date and time of a message, in full. */
export const whenOf = (said: Said): string => fullTime(said.time);
