// What one can do with a conversation and its window, as a menu; it must not draw.
import { findIn } from "../../app/jump";
import { command, buddies, settings, tell, user } from "../../app/store";
import { arrangement, close, minimise, restore, show, snap, tileAll, wins } from "../../app/windows";
import type { Talk } from "../../state/model";
import { errorText, w } from "../../words";
import { isKept } from "../../state/keeping";
import { toast } from "../Dialog";
import { ask, confirm } from "../dialogs/Ask";
import { eraseDialog, keepMenu, parts, strangerDo } from "../later";
import { strangerItems } from "../people/items";
import type { CommandBody } from "../../wire/types";
import { openMenu, type Item } from "../Menu";
import { muteItems } from "../mute";

const say = (error: unknown): void => toast(errorText(error));

export function openTalkMenu(at: MouseEvent | KeyboardEvent | Element, talk: Talk): void {
  const key = `talk ${talk.id}`;
  openMenu(at, talkMenu(talk, key), key);
}

/** `key`: the name of the menu among all menus. */
function talkMenu(talk: Talk, key: string): Item[] {
  const items: Item[] = [];
  const run = (type: CommandBody["type"], fields: Record<string, unknown>) => command(type, fields);
  if (talk.kind === "room") {
    items.push(
      { label: w.talk.setTopic, icon: "topic", run: () => ask({ title: w.talk.topicTitle(talk.title), label: w.talk.topic, value: talk.topic ?? "", multiline: true, testid: "topic-dialog", send: (topic) => run("room.topic", { conversation: talk.id, topic }) }) },
      { label: w.talk.nick, icon: "pen", run: () => ask({ title: w.talk.nickTitle(talk.title), label: w.front.name, value: "", testid: "nick-dialog", send: (nick) => run("room.nick", { conversation: talk.id, nick }) }) },
      { label: w.talk.invite, icon: "invite", run: () => ask({ title: w.talk.inviteTitle(talk.title), label: w.talk.inviteWho, value: "", second: w.talk.inviteMessage, testid: "invite-dialog", send: (name, message) => run("room.invite", { conversation: talk.id, name, message: message ?? "" }) }) },
      { label: w.talk.mark, icon: "keep", testid: "menu-mark", run: () => keepMenu(talk) },
      { label: w.talk.leave, icon: "out", danger: true, run: () => confirm({ title: w.talk.leaveTitle(talk.title), text: w.talk.leaveLead, yes: w.talk.leaveYes, danger: true, run: () => run("room.leave", { conversation: talk.id }) }) },
    );
  } else {
    const buddy = talk.buddy ? buddies.value.get(talk.buddy) : undefined;
    items.push({ label: w.talk.info, icon: "info", testid: "talk-info", run: () => strangerDo("info", talk) });
    if (!buddy) items.push(...strangerItems(talk));
    items.push({ label: w.talk.attention, icon: "bell", run: () => tell("attention.send", { conversation: talk.id }) });
  }
  items.push({ kind: "line" }, { label: w.talk.find, icon: "search", hint: "Ctrl F", testid: "menu-find", run: () => { show(talk.id, false); findIn(talk.id); } }, ...muteItems(talk.id, talk.title));
  if (user.value?.guest === false) {
    const kept = isKept(settings.value, talk);
    items.push(
      { label: w.talk.keepNot, icon: "wait", checked: !kept, testid: "keep-not", run: () => { run("history.set", { conversation: talk.id, keep: !kept }).catch(say); } },
      { label: w.talk.erase, icon: "bin", danger: true, testid: "erase", run: () => eraseDialog(talk) },
    );
  }
  if (arrangement.value === "desk") {
    const win = wins.value.get(talk.id);
    items.push({ kind: "line" }, { label: w.talk.left, icon: "left", run: () => snap(talk.id, "left") }, { label: w.talk.right, icon: "half", run: () => snap(talk.id, "right") });
    items.push({ label: w.talk.maximise, icon: "fill", run: () => snap(talk.id, "full") });
    if (win && win.stand !== "normal") items.push({ label: w.talk.restore, icon: "restore", run: () => restore(talk.id) });
    items.push({ label: w.talk.clearUp, icon: "tile", run: tileAll }, { label: w.talk.minimise, icon: "minus", hint: "Alt M", run: () => minimise(talk.id) });
  }
  items.push({ label: w.talk.close, icon: "close", hint: "Alt W", testid: "talk-close", run: () => close(talk.id) });
  // Entries that come later stand last, so that nothing moves under the pointer.
  if (talk.kind === "room") items.push(...(parts.value?.roomPowers(talk, key) ?? []));
  return items;
}
