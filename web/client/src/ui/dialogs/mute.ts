// For how long something is to be quiet, as a menu; it must not draw.
import { serverNow } from "../../app/clock";
import { mute } from "../../app/mutes";
import { inAnHour, tomorrow } from "../../state/quiet";
import { errorText, moment, w } from "../../words";
import { toast } from "../Dialog";
import { openMenu, type Item } from "../Menu";

export function muteMenu(id: string, title: string): void {
  const now = serverNow();
  const morning = tomorrow(now);
  const choice = (label: string, until: number | null, testid: string): Item => ({ label, icon: until === null ? "mute" : "clock", testid, run: () => { mute(id, until).catch((error: unknown) => toast(errorText(error))); } });
  openMenu(document.activeElement ?? document.body, [
    { kind: "head", label: w.mute.title(title) },
    choice(w.mute.hour, inAnHour(now), "mute-hour"),
    choice(w.mute.tomorrow(moment(new Date(morning).toISOString(), now)), morning, "mute-tomorrow"),
    choice(w.mute.ever, null, "mute-ever"),
  ]);
}
