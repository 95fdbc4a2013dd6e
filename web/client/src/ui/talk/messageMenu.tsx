// Builds the menu of a message. Does not draw the message (see Rows.tsx).
import { discardOutgoing, isSettled, sendAgain, sendMessage, settle, takeBack, takeBackOutgoing, user } from "../../app/store";
import { putBack } from "../../app/windows";
import { mention } from "../../state/complete";
import { addressIn } from "../../state/names";
import { quoted } from "../../state/quote";
import { clock, w } from "../../words";
import { m } from "../../words/later";
import { toast } from "../Dialog";
import { messageInfo } from "../dialogs/MessageInfo";
import { openMenu, type Item } from "../Menu";
import { boxOf, insert, rewrite } from "./box";
import { Drawn, type DrawnName } from "./drawn";
import { isOfLines } from "./formatting";
import { saidOf, type Said } from "./said";
import { safeLink } from "./Spans";

const s = m.message;
const mark = (name: DrawnName) => <Drawn name={name} size={16} />;

function copy(text: string): void {
  const done = () => toast(w.copied);
  const byHand = () => {
    // By plain HTTP there is no clipboard but this.
    const box = document.createElement("textarea");
    const before = document.activeElement;
    box.value = text;
    document.body.append(box);
    box.select();
    const copied = document.execCommand("copy");
    box.remove();
    if (before instanceof HTMLElement) before.focus();
    if (copied) done();
  };
  const written = (navigator as Partial<Navigator>).clipboard?.writeText(text);
  if (written) written.then(done, byHand);
  else byHand();
}

/** Puts the message as a quote before the draft. */
export function quote(said: Said): void {
  rewrite(said.talk.id, (draft) => quoted(said.text, said.name, draft, isOfLines(said.talk)));
}

/** The selected text, where the selection touches this row. */
function selected(row: Element): string {
  const selection = getSelection();
  return selection && !selection.isCollapsed && selection.containsNode(row, true) ? selection.toString().trim() : "";
}

/** The address that was pointed at, or the only one of the message. */
function linkOf(row: Element, target: Element | null): string | null {
  const all = [...row.querySelectorAll<HTMLAnchorElement>(".said a[href]")];
  const one = target?.closest<HTMLAnchorElement>(".said a[href]") ?? (all.length === 1 ? all[0] : null);
  return safeLink(one?.getAttribute("href"));
}

function linkItem(link: string): Item {
  const address = addressIn(link);
  return { label: address !== null ? s.copyAddress : s.copyLink, mark: mark("link"), testid: "message-copy-link", run: () => copy(address ?? link) };
}

const isBad = (state: string | null | undefined): boolean => state === "failed" || state === "unknown";

/** Entries about the user's own message that waits, was not sent, or perhaps not. */
function fates({ talk, line, out }: Said): Item[] {
  // The menu may have been open for long: each entry looks at the message as it is by then.
  const again = (run: () => void): Item => ({ label: w.talk.sendAgain, mark: mark("again"), testid: "message-again", run });
  const kept = user.value?.guest === false;
  if (line?.from.self) {
    const waits = line.state === "pending" && kept;
    const doubt = isBad(line.state) && (kept || (line.state === "unknown" && !isSettled(talk.id, line.id)));
    if (waits) return [{ label: w.talk.cancelWaiting, icon: "close", run: () => takeBack(talk.id, line.id) }];
    if (!doubt) return [];
    const send = () => {
      const now = saidOf(talk.id, line.id)?.line;
      if (now && isBad(now.state)) sendAgain(talk.id, now);
    };
    return [again(send), kept ? { label: w.talk.delete, icon: "bin", danger: true, run: () => takeBack(talk.id, line.id) } : { label: w.talk.leaveIt, icon: "check", run: () => settle(talk.id, line.id) }];
  }
  if (!out) return [];
  const discard = () => discardOutgoing(talk.id, out.command);
  if (out.state === "pending") return out.tried ? [] : [{ label: w.talk.cancelWaiting, icon: "close", run: () => takeBackOutgoing(talk.id, out.command) }];
  const instead = (run: () => void) => () => {
    if (!isBad(saidOf(talk.id, `out/${out.command}`)?.out?.state)) return;
    discard();
    run();
  };
  return [
    again(instead(() => sendMessage(talk.id, out.text, out.spans))),
    { label: w.talk.edit, icon: "pen", run: instead(() => { putBack.value = { conversation: talk.id, text: out.text }; }) },
    { label: w.talk.discard, icon: "bin", danger: true, run: discard },
  ];
}

function items(said: Said, row: Element, target: Element | null): Item[] {
  const { talk, self, name, line } = said;
  const chosen = selected(row);
  const link = linkOf(row, target);
  const list: Item[] = [{ kind: "head", label: s.actions(self ? w.talk.you : name, clock(said.time)) }];
  list.push({ label: s.quote, mark: mark("quote"), testid: "message-quote", run: () => quote(said) });
  if (chosen !== "" && chosen !== said.text) list.push({ label: s.copySelection, icon: "copy", testid: "message-copy-selection", run: () => copy(chosen) });
  list.push({ label: s.copy, icon: "copy", testid: "message-copy", run: () => copy(said.text) });
  if (link) list.push(linkItem(link));
  if (talk.kind === "room" && !self) {
    const speak = () => {
      const box = boxOf(talk.id);
      insert(talk.id, mention(box?.value ?? "", box?.selectionStart ?? 0, line?.from.name ?? name));
    };
    list.push({ label: s.mention(name), icon: "chat", testid: "message-mention", run: speak });
  }
  const about = fates(said);
  if (about.length > 0) list.push({ kind: "line" }, ...about);
  list.push({ kind: "line" }, { label: s.info, icon: "info", testid: "message-info", run: () => messageInfo(said) });
  return list;
}

/** Opens the menu of a row, where the pointer is or below the element that asked. */
export function messageMenu(at: MouseEvent | Element, talk: string, row: HTMLElement): void {
  const said = saidOf(talk, row.dataset["row"] ?? "");
  const target = at instanceof Element ? null : at.target instanceof Element ? at.target : null;
  // A row is as wide as the log, its bubble is not.
  const place = at === row ? (row.querySelector(".bubble") ?? row) : at;
  if (said) openMenu(place, items(said, row, target), `message ${row.dataset["row"]}`);
}
