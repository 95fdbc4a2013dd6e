// Rooms in the list to come back to: joining, keeping and letting go of them; it must not draw.
import { presses } from "../../app/press";
import { bookmarks, command } from "../../app/store";
import { showResult } from "../../app/windows";
import type { Talk } from "../../state/model";
import type { Bookmark } from "../../wire/types";
import { errorText, w } from "../../words";
import { m } from "../../words/later";
import { toast } from "../Dialog";
import { ask } from "../dialogs/Ask";
import { joinDialog } from "../dialogs/Join";
import { openMenu, type Item } from "../Menu";

const say = (error: unknown): void => toast(errorText(error));

/** Joins the room of a bookmark. A failure opens the join form, filled in, with the reason. */
export function joinMark(mark: Bookmark): void {
  const from = document.activeElement;
  const begun = presses();
  command<{ conversation: string }>("room.join", { bookmark: mark.id }).then(
    (result) => showResult(result, from),
    // The join may have taken long: a user who does something else by now is not interrupted.
    (error: unknown) => (presses() === begun ? joinDialog(mark.account, mark.fields, error) : say(error)),
  );
}

function items(mark: Bookmark): Item[] {
  return [
    { label: m.marks.autojoin, icon: "bell", checked: mark.autojoin, testid: "mark-autojoin", run: () => { command("bookmark.update", { bookmark: mark.id, autojoin: !mark.autojoin }).catch(say); } },
    { label: w.list.alias, icon: "pen", testid: "mark-rename", run: () => ask({ title: w.list.aliasTitle(mark.name), label: w.list.aliasLabel, value: mark.name, testid: "mark-dialog", send: (name) => command("bookmark.update", { bookmark: mark.id, name }) }) },
    { label: m.marks.remove, icon: "minus", testid: "mark-remove", run: () => { command("bookmark.remove", { bookmark: mark.id }).catch(say); } },
  ];
}

/** The menu of a room in the list that one is not in. */
export function markMenu(at: Element, mark: Bookmark): void {
  openMenu(at, [{ kind: "head", label: mark.name }, { label: m.room.join, icon: "hash", testid: "mark-join", run: () => joinMark(mark) }, ...items(mark)]);
}

/** Whether a room is kept in the list, and how. */
export function keepMenu(talk: Talk): void {
  const mark = [...bookmarks.value.values()].find((one) => one.conversation === talk.id);
  const add = (autojoin: boolean) => () => { command("bookmark.add", { conversation: talk.id, autojoin }).catch(say); };
  openMenu(document.activeElement ?? document.body, [
    { kind: "head", label: talk.title },
    ...(mark ? items(mark) : [
      { label: m.marks.keep, icon: "keep", testid: "mark-keep", run: add(false) },
      { label: m.marks.keepAutojoin, icon: "bell", testid: "mark-keep-autojoin", run: add(true) },
    ] satisfies Item[]),
  ]);
}
