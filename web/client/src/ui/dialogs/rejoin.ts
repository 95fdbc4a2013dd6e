// Joining a room again without a form, and what a room's name says about the form; it must not know networks.
import { presses } from "../../app/press";
import { accounts, command, protocolOf } from "../../app/store";
import { showResult } from "../../app/windows";
import type { RoomField } from "../../wire/types";
import { errorText } from "../../words";
import { toast } from "../Dialog";
import { joinDialog } from "../later";

export function fieldsOf(account: string): RoomField[] {
  return protocolOf(accounts.value.get(account)?.protocol ?? "")?.room_fields ?? [];
}

/** What a room's name says about the fields of its join form: the first required one, and where that is followed by a place, the part behind the `@`. */
export function roomGiven(account: string, name: string): Record<string, string> {
  const [first, second] = fieldsOf(account).filter((field) => field.required);
  const at = name.lastIndexOf("@");
  if (first && second && at > 0) return { [first.key]: name.slice(0, at), [second.key]: name.slice(at + 1) };
  const only = first ?? fieldsOf(account)[0];
  return only ? { [only.key]: name } : {};
}

/** Joins again without asking, as far as the name says all that is needed. */
export function rejoin(account: string, name: string): void {
  const given = roomGiven(account, name);
  const fields = Object.fromEntries(fieldsOf(account).map((field) => [field.key, given[field.key] ?? String(field.default ?? "")]).filter(([, value]) => value !== ""));
  const from = document.activeElement;
  const begun = presses();
  command<{ conversation: string }>("room.join", { account, fields }).then(
    (result) => showResult(result, from),
    // It may have taken long: whoever does something else by now is not interrupted.
    (error: unknown) => (presses() === begun ? joinDialog(account, given, error) : toast(errorText(error))),
  );
}
