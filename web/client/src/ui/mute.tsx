// How what is quiet is marked, and the entries of menus that make it so; it must not decide what is quiet.
import { isMuted, muted, unmute } from "../app/mutes";
import { serverNow } from "../app/clock";
import type { Talk } from "../state/model";
import { errorText, moment, w } from "../words";
import { toast } from "./Dialog";
import { Icon } from "./icons";
import { muteMenu } from "./later";
import type { Item } from "./Menu";

const say = (error: unknown): void => toast(errorText(error));

/** Until when, in words. */
function untilWords(until: number | null): string {
  return until === null ? w.mute.muted : w.mute.mutedUntil(moment(new Date(until).toISOString(), serverNow()));
}

export function MuteMark({ talk }: { talk: Talk }) {
  if (!isMuted(talk)) return null;
  const until = muted.value.get(talk.id) ?? muted.value.get(talk.account) ?? null;
  const words = untilWords(until);
  return <span class="mute-mark" role="img" aria-label={words} title={words} data-testid="muted"><Icon name="mute" size={13} /></span>;
}

/** What a menu of a conversation or an account (`id`) says of it. */
export function muteItems(id: string, title: string): Item[] {
  const until = muted.value.get(id);
  if (until !== undefined) return [{ label: w.mute.end, icon: "sound", hint: until === null ? "" : untilWords(until), testid: "menu-unmute", run: () => { unmute(id).catch(say); } }];
  return [{ label: w.mute.begin, icon: "mute", testid: "menu-mute", run: () => muteMenu(id, title) }];
}
