// A strip above the box of whoever is not on the list: add, look at, block, or be asked no more; it must not decide who is a stranger to a network.
import { accounts, settings, tell, update } from "../../app/store";
import type { Talk } from "../../state/model";
import { m } from "../../words/later";
import { Icon } from "../icons";
import { strangerDo } from "./deeds";
import { roomOf } from "./facts";

const p = m.people;
/** The setting with the conversations about which the user is not asked any more, and how many it has at most. */
const KEY = "met";
const MOST = 200;

const met = (): string[] => {
  const list = settings.value[KEY];
  return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
};

function askNoMore(id: string): void {
  const list = [...met().filter((one) => one !== id), id].slice(-MOST);
  update((old) => ({ ...old, settings: { ...old.settings, [KEY]: list } }));
  tell("settings.set", { values: { [KEY]: list } }, KEY);
}

export function Stranger({ talk }: { talk: Talk }) {
  const account = accounts.value.get(talk.account);
  if (talk.kind !== "im" || account?.state !== "online") return null;
  if (talk.blocked) {
    return (
      <p class="strip-note offer stranger" data-testid="stranger-blocked">
        <span>{p.isBlocked(talk.title)}</span>
        <button type="button" class="text-link" data-testid="stranger-unblock" onClick={() => strangerDo("unblock", talk)}>{p.unblock}</button>
      </p>
    );
  }
  // Somebody to whom the user wrote, and who has not answered, is no stranger who writes.
  if (talk.buddy || met().includes(talk.id) || !talk.messages.some((one) => one.from?.self === false && !one.system)) return null;
  const able = (name: string) => account.features.includes(name);
  return (
    <div class="strip-note offer stranger" role="group" aria-label={p.stranger(talk.title)} data-testid="stranger">
      <span dir="auto">{p.stranger(talk.title)}</span>
      {!roomOf(talk) && <button type="button" class="text-link" data-testid="stranger-add" onClick={() => strangerDo("add", talk)}>{p.addShort}</button>}
      {able("info") && <button type="button" class="text-link" data-testid="stranger-info" onClick={() => strangerDo("info", talk)}>{p.infoShort}</button>}
      {able("block") && <button type="button" class="text-link" data-testid="stranger-block" onClick={() => strangerDo("block", talk)}>{p.blockShort}</button>}
      <button type="button" class="tool small" aria-label={`${p.notNow}: ${talk.title}`} title={p.notNow} data-testid="stranger-met" onClick={() => askNoMore(talk.id)}><Icon name="close" size={14} /></button>
    </div>
  );
}
